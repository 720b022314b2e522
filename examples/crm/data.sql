-- Eight organizations of very different size with 12,000 contacts, 600 products, 20,000
-- opportunities and 40,000 interactions; about three seconds to load.
--
-- Every value is a hash of the row's number and a salt, so a run gives the same rows every time, on
-- every machine and in any execution order, which random() with setseed() does not promise.
-- All addresses end in .example and all telephone numbers contain 555: nobody real is in here.
\set ON_ERROR_STOP on

BEGIN;
SET LOCAL search_path = crm;
-- Timestamps are written without a zone below.
SET LOCAL timezone = 'UTC';

-- 0 <= die(n, salt, sides) < sides
CREATE FUNCTION pg_temp.die(n bigint, salt bigint, sides bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint8extended(n, salt) & 9007199254740991) % sides $$;

CREATE FUNCTION pg_temp.pick(n bigint, salt bigint, choices text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT choices[1 + (hashint8extended(n, salt) & 9007199254740991) % cardinality(choices)] $$;

-- A UUID that looks like a version 4 one but is the same in every run.
CREATE FUNCTION pg_temp.uuid_of(label text) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$ SELECT overlay(overlay(md5(label) PLACING '4' FROM 13 FOR 1) PLACING '8' FROM 17 FOR 1)::uuid $$;


INSERT INTO organizations (id, name, slug, industry, plan, created_at, updated_at) VALUES
  ('aaaaaaaa-0000-4000-8000-000000000001', 'Acme Rockets',     'acme_rockets',    'aerospace',   'enterprise', '2021-03-02 09:12', '2025-05-11 08:00'),
  ('bbbbbbbb-0000-4000-8000-000000000002', 'Globex',           'globex',          'energy',      'enterprise', '2021-06-17 14:40', '2025-04-02 10:31'),
  ('cccccccc-0000-4000-8000-000000000003', 'Northfold Foods',  'northfold_foods', 'food',        'team',       '2021-11-08 08:05', '2025-01-20 16:17'),
  ('dddddddd-0000-4000-8000-000000000004', 'Umbra Logistics',  'umbra_logistics', 'logistics',   'team',       '2022-02-21 11:50', '2024-12-09 09:44'),
  ('eeeeeeee-0000-4000-8000-000000000005', 'Bluebird Dental',  'bluebird_dental', 'healthcare',  'team',       '2022-05-30 07:33', '2025-02-14 13:02'),
  ('ffffffff-0000-4000-8000-000000000006', 'Larkspur Hotels',  'larkspur_hotels', 'hospitality', 'team',       '2022-09-12 15:21', '2024-10-30 11:11'),
  ('11111111-0000-4000-8000-000000000007', 'Quill & Ink Press','quill_ink_press', 'publishing',  'free',       '2023-01-16 10:10', '2024-08-05 17:55'),
  ('22222222-0000-4000-8000-000000000008', 'Tiny Tooling',     'tiny_tooling',    'machinery',   'free',       '2023-07-04 12:00', '2024-07-04 12:00');

-- Ada works for Acme Rockets, Bob for Globex, Carol consults for both: the cast of the demo.
INSERT INTO users (id, email, full_name, created_at, updated_at)
SELECT id::uuid, email, full_name, joined, joined
FROM (VALUES
  ('0000000a-0000-4000-8000-0000000000a1', 'ada@acme-rockets.example',     'Ada Byron',         '2021-03-02 09:20'::timestamptz),
  ('0000000a-0000-4000-8000-0000000000a2', 'ruben@acme-rockets.example',   'Ruben Castell',     '2021-04-12 08:15'),
  ('0000000a-0000-4000-8000-0000000000a3', 'yuki@acme-rockets.example',    'Yuki Tanabe',       '2022-08-01 07:58'),
  ('0000000b-0000-4000-8000-0000000000b1', 'bob@globex.example',           'Bob Lindgren',      '2021-06-17 14:45'),
  ('0000000b-0000-4000-8000-0000000000b2', 'helene@globex.example',        'Helene Marchetti',  '2021-09-03 09:30'),
  ('0000000b-0000-4000-8000-0000000000b3', 'tariq@globex.example',         'Tariq Noor',        '2023-02-20 10:02'),
  ('0000000c-0000-4000-8000-0000000000c1', 'carol@voss-consulting.example',    'Carol Voss',    '2022-01-10 12:00'),
  ('00000003-0000-4000-8000-000000000031', 'sven@northfold-foods.example', 'Sven Lindqvist',    '2021-11-08 08:10'),
  ('00000003-0000-4000-8000-000000000032', 'maite@northfold-foods.example','Maite Echeverria',  '2022-03-15 09:05'),
  ('00000004-0000-4000-8000-000000000041', 'joanna@umbra-logistics.example','Joanna Wierzbicka','2022-02-21 11:55'),
  ('00000004-0000-4000-8000-000000000042', 'kofi@umbra-logistics.example', 'Kofi Mensah',       '2022-06-06 13:25'),
  ('00000005-0000-4000-8000-000000000051', 'priya@bluebird-dental.example','Priya Raman',       '2022-05-30 07:40'),
  ('00000005-0000-4000-8000-000000000052', 'owen@bluebird-dental.example', 'Owen Pritchard',    '2022-11-11 11:11'),
  ('00000006-0000-4000-8000-000000000061', 'lucia@larkspur-hotels.example','Lucia Ferrante',    '2022-09-12 15:30'),
  ('00000006-0000-4000-8000-000000000062', 'emre@larkspur-hotels.example', 'Emre Yildiz',       '2023-05-02 08:45'),
  ('00000007-0000-4000-8000-000000000071', 'nora@quill-ink.example',       'Nora Whitcombe',    '2023-01-16 10:15'),
  ('00000008-0000-4000-8000-000000000081', 'bram@tiny-tooling.example',    'Bram de Wit',       '2023-07-04 12:05')
) AS people (id, email, full_name, joined);

INSERT INTO memberships (user_id, organization_id, role, created_at, updated_at)
SELECT u.id, o.id, m.role::member_role, greatest(u.created_at, o.created_at), greatest(u.created_at, o.created_at)
FROM (VALUES
  ('ada@acme-rockets.example',         'acme_rockets',    'owner'),
  ('ruben@acme-rockets.example',       'acme_rockets',    'sales'),
  ('yuki@acme-rockets.example',        'acme_rockets',    'support'),
  ('bob@globex.example',               'globex',          'owner'),
  ('helene@globex.example',            'globex',          'sales'),
  ('tariq@globex.example',             'globex',          'sales'),
  ('carol@voss-consulting.example',    'acme_rockets',    'sales'),
  ('carol@voss-consulting.example',    'globex',          'admin'),
  ('sven@northfold-foods.example',     'northfold_foods', 'owner'),
  ('maite@northfold-foods.example',    'northfold_foods', 'sales'),
  ('joanna@umbra-logistics.example',   'umbra_logistics', 'owner'),
  ('kofi@umbra-logistics.example',     'umbra_logistics', 'sales'),
  ('priya@bluebird-dental.example',    'bluebird_dental', 'owner'),
  ('owen@bluebird-dental.example',     'bluebird_dental', 'support'),
  ('lucia@larkspur-hotels.example',    'larkspur_hotels', 'owner'),
  ('emre@larkspur-hotels.example',     'larkspur_hotels', 'sales'),
  ('nora@quill-ink.example',           'quill_ink_press', 'owner'),
  ('bram@tiny-tooling.example',        'tiny_tooling',    'owner')
) AS m (email, slug, role)
JOIN users u USING (email)
JOIN organizations o USING (slug);

-- How much of everything an organization owns, as a slice of 0..99. Acme Rockets has 15 times the
-- rows of Tiny Tooling: real tenants are never of equal size.
CREATE TEMPORARY TABLE shares ON COMMIT DROP AS
SELECT o.id AS organization_id, s.*
FROM (VALUES
  ('acme_rockets',     0, 30, 'RKT'), ('globex',          30, 52, 'GLX'), ('northfold_foods', 52, 68, 'NFF'),
  ('umbra_logistics', 68, 80, 'UMB'), ('bluebird_dental', 80, 88, 'BBD'), ('larkspur_hotels', 88, 94, 'LSH'),
  ('quill_ink_press', 94, 98, 'QIP'), ('tiny_tooling',    98, 100, 'TTL')
) AS s (slug, first_slice, end_slice, sku_prefix)
JOIN organizations o USING (slug);


-- Ten things that each organization sells, in up to 18 editions; the edition's rank moves the price.
CREATE TEMPORARY TABLE lines ON COMMIT DROP AS
SELECT slug, row_number() OVER (PARTITION BY slug ORDER BY line) AS line, noun, category, price
FROM (VALUES
  ('acme_rockets', 1, 'Solid Booster', 'goods', 48000), ('acme_rockets', 2, 'Guidance Unit', 'goods', 15500), ('acme_rockets', 3, 'Launch Rail', 'goods', 7200),
  ('acme_rockets', 4, 'Nose Cone', 'goods', 1950), ('acme_rockets', 5, 'Fuel Pump', 'goods', 3900), ('acme_rockets', 6, 'Recovery Parachute', 'goods', 860),
  ('acme_rockets', 7, 'Telemetry Kit', 'goods', 2450), ('acme_rockets', 8, 'Range Safety Review', 'service', 6400), ('acme_rockets', 9, 'Flight Simulation', 'subscription', 1200),
  ('acme_rockets', 10, 'Pad Maintenance', 'service', 5100),
  ('globex', 1, 'Solar Inverter', 'goods', 2300), ('globex', 2, 'Battery Rack', 'goods', 8900), ('globex', 3, 'Turbine Blade', 'goods', 26500),
  ('globex', 4, 'Heat Exchanger', 'goods', 4700), ('globex', 5, 'Smart Meter', 'goods', 145), ('globex', 6, 'Grid Monitoring', 'subscription', 780),
  ('globex', 7, 'Energy Audit', 'service', 3200), ('globex', 8, 'Charging Station', 'goods', 5400), ('globex', 9, 'Transformer', 'goods', 18800), ('globex', 10, 'Load Forecast', 'subscription', 410),
  ('northfold_foods', 1, 'Rye Loaf Crate', 'goods', 38), ('northfold_foods', 2, 'Oat Drink Pallet', 'goods', 640), ('northfold_foods', 3, 'Smoked Trout Box', 'goods', 112),
  ('northfold_foods', 4, 'Berry Preserve Case', 'goods', 64), ('northfold_foods', 5, 'Hard Cheese Wheel', 'goods', 185), ('northfold_foods', 6, 'Pickled Beet Case', 'goods', 42),
  ('northfold_foods', 7, 'Cold Chain Delivery', 'service', 95), ('northfold_foods', 8, 'Pantry Refill', 'subscription', 220), ('northfold_foods', 9, 'Root Vegetable Bin', 'goods', 76), ('northfold_foods', 10, 'Menu Consulting', 'service', 890),
  ('umbra_logistics', 1, 'Pallet Storage', 'subscription', 18), ('umbra_logistics', 2, 'Customs Clearance', 'service', 240), ('umbra_logistics', 3, 'Reefer Container', 'service', 3150),
  ('umbra_logistics', 4, 'Last Mile Run', 'service', 12), ('umbra_logistics', 5, 'Route Planning', 'subscription', 350), ('umbra_logistics', 6, 'Cross Docking', 'service', 68),
  ('umbra_logistics', 7, 'Freight Insurance', 'service', 130), ('umbra_logistics', 8, 'Return Handling', 'service', 9), ('umbra_logistics', 9, 'Fleet Telematics', 'subscription', 44), ('umbra_logistics', 10, 'Night Courier', 'service', 57),
  ('bluebird_dental', 1, 'Aligner Set', 'goods', 1450), ('bluebird_dental', 2, 'Ceramic Crown', 'goods', 620), ('bluebird_dental', 3, 'Whitening Course', 'service', 280),
  ('bluebird_dental', 4, 'Check-up Plan', 'subscription', 24), ('bluebird_dental', 5, 'Titanium Implant', 'goods', 980), ('bluebird_dental', 6, 'Night Guard', 'goods', 210),
  ('bluebird_dental', 7, 'Panoramic X-ray', 'service', 90), ('bluebird_dental', 8, 'Hygiene Visit', 'service', 85), ('bluebird_dental', 9, 'Retainer', 'goods', 165), ('bluebird_dental', 10, 'Team Cover', 'subscription', 19),
  ('larkspur_hotels', 1, 'Garden Room', 'service', 140), ('larkspur_hotels', 2, 'Conference Hall', 'service', 1900), ('larkspur_hotels', 3, 'Wedding Weekend', 'service', 14500),
  ('larkspur_hotels', 4, 'Board Dinner', 'service', 78), ('larkspur_hotels', 5, 'Spa Morning', 'service', 65), ('larkspur_hotels', 6, 'Airport Shuttle', 'service', 35),
  ('larkspur_hotels', 7, 'Long Stay', 'subscription', 1650), ('larkspur_hotels', 8, 'Corporate Rate', 'subscription', 480), ('larkspur_hotels', 9, 'Gift Card', 'goods', 100), ('larkspur_hotels', 10, 'Cellar Tasting', 'service', 52),
  ('quill_ink_press', 1, 'Hardcover Run', 'goods', 4200), ('quill_ink_press', 2, 'Paperback Run', 'goods', 1800), ('quill_ink_press', 3, 'Copy Editing', 'service', 950),
  ('quill_ink_press', 4, 'Cover Design', 'service', 700), ('quill_ink_press', 5, 'Audio Edition', 'service', 3600), ('quill_ink_press', 6, 'Reader Club', 'subscription', 15),
  ('quill_ink_press', 7, 'Slipcase', 'goods', 22), ('quill_ink_press', 8, 'Map Plate', 'goods', 130), ('quill_ink_press', 9, 'Translation', 'service', 2800), ('quill_ink_press', 10, 'Book Fair Stand', 'service', 1250),
  ('tiny_tooling', 1, 'Collet Set', 'goods', 84), ('tiny_tooling', 2, 'Micro Lathe', 'goods', 1390), ('tiny_tooling', 3, 'Engraving Bit', 'goods', 12),
  ('tiny_tooling', 4, 'Bench Vise', 'goods', 145), ('tiny_tooling', 5, 'Jeweller Saw', 'goods', 38), ('tiny_tooling', 6, 'Calibration', 'service', 60),
  ('tiny_tooling', 7, 'Dial Gauge', 'goods', 72), ('tiny_tooling', 8, 'Tap and Die Set', 'goods', 96), ('tiny_tooling', 9, 'Sharpening', 'service', 18), ('tiny_tooling', 10, 'Spare Parts Plan', 'subscription', 9)
) AS l (slug, line, noun, category, price);

INSERT INTO products (public_id, organization_id, sku, name, category, unit_price, is_active, created_at, updated_at)
SELECT pg_temp.uuid_of('product ' || s.slug || n), s.organization_id,
       format('%s-%s', s.sku_prefix, to_char(n, 'FM0000')),
       format('%s %s', (ARRAY['Standard', 'Compact', 'Pro', 'Heavy-Duty', 'Economy', 'Premium', 'Arctic', 'Tropical', 'Silent',
                              'Rapid', 'Classic', 'Coastal', 'Alpine', 'Urban', 'Modular', 'Signature', 'Starter', 'Reserve'])[edition], l.noun),
       l.category,
       round((l.price * (0.7 + 0.05 * edition + pg_temp.die(n, 11, 100) / 400.0))::numeric, 2),
       pg_temp.die(n, 12, 12) > 0,
       at, at
FROM shares s
CROSS JOIN LATERAL generate_series(1, (s.end_slice - s.first_slice) * 6) AS n
CROSS JOIN LATERAL (SELECT 1 + (n - 1) / 10 AS edition,
                           timestamptz '2022-01-10 09:00' + pg_temp.die(n, 13, 600) * interval '1 day'
                             + pg_temp.die(n, 14, 480) * interval '1 minute') AS t (edition, at)
JOIN lines l ON l.slug = s.slug AND l.line = 1 + (n - 1) % 10
ORDER BY at, s.slug, n;


-- Where contacts live; the dialling code goes with the country.
CREATE TEMPORARY TABLE places ON COMMIT DROP AS
SELECT row_number() OVER () - 1 AS place, *
FROM (VALUES
  ('Boston', 'US', '1'), ('Denver', 'US', '1'), ('Austin', 'US', '1'), ('Seattle', 'US', '1'), ('Chicago', 'US', '1'), ('Toronto', 'CA', '1'), ('Montreal', 'CA', '1'),
  ('London', 'GB', '44'), ('Leeds', 'GB', '44'), ('Bristol', 'GB', '44'), ('Dublin', 'IE', '353'), ('Berlin', 'DE', '49'), ('Hamburg', 'DE', '49'), ('Munich', 'DE', '49'),
  ('Lyon', 'FR', '33'), ('Paris', 'FR', '33'), ('Madrid', 'ES', '34'), ('Lisbon', 'PT', '351'), ('Milan', 'IT', '39'), ('Vienna', 'AT', '43'), ('Zurich', 'CH', '41'),
  ('Utrecht', 'NL', '31'), ('Antwerp', 'BE', '32'), ('Aarhus', 'DK', '45'), ('Bergen', 'NO', '47'), ('Malmo', 'SE', '46'), ('Tampere', 'FI', '358'), ('Gdansk', 'PL', '48'),
  ('Brno', 'CZ', '420'), ('Istanbul', 'TR', '90'), ('Mumbai', 'IN', '91'), ('Pune', 'IN', '91'), ('Singapore', 'SG', '65'), ('Osaka', 'JP', '81'), ('Melbourne', 'AU', '61'),
  ('Auckland', 'NZ', '64'), ('Accra', 'GH', '233'), ('Nairobi', 'KE', '254'), ('Sao Paulo', 'BR', '55'), ('Santiago', 'CL', '56')
) AS p (city, country_code, dialling_code);

-- The companies that contacts work for; several contacts share one.
CREATE TEMPORARY TABLE companies ON COMMIT DROP AS
SELECT c AS company, name, lower(replace(replace(name, ' & ', ' '), ' ', '-')) || '.example' AS domain, pg_temp.die(c, 21, 40) AS place
FROM generate_series(0, 1199) AS c
CROSS JOIN LATERAL (SELECT
  (ARRAY['Alder', 'Amber', 'Anchor', 'Ashford', 'Beacon', 'Birch', 'Bramble', 'Calder', 'Cedar', 'Cinder', 'Copper', 'Crescent', 'Dover', 'Elm', 'Ember',
         'Fairway', 'Falcon', 'Fern', 'Flint', 'Garnet', 'Granite', 'Harbour', 'Hazel', 'Heron', 'Ivory', 'Juniper', 'Kestrel', 'Lantern', 'Linden', 'Maple'])[1 + c % 30]
  || ' ' ||
  (ARRAY['Analytics', 'Brothers', 'Capital', 'Ceramics', 'Cooperative', 'Design', 'Devices', 'Dynamics', 'Electric', 'Engineering', 'Farms', 'Foundry', 'Group',
         'Health', 'Holdings', 'Industries', 'Instruments', 'Labs', 'Marine', 'Materials', 'Media', 'Metals', 'Mobility', 'Networks', 'Optics', 'Outfitters',
         'Partners', 'Pharma', 'Printworks', 'Properties', 'Robotics', 'Schools', 'Software', 'Steel', 'Supply', 'Systems', 'Textiles', 'Timber', 'Travel', 'Works'])[1 + c / 30]
) AS t (name);

INSERT INTO contacts (public_id, organization_id, first_name, last_name, email, phone, job_title, company_name, city, country_code,
                      lifecycle, is_subscribed, created_at, updated_at)
SELECT pg_temp.uuid_of('contact ' || n), s.organization_id, first_name, last_name,
       -- A second Maria Silva at one company is maria.silva2.
       lower(format('%s.%s%s@%s', first_name, replace(last_name, ' ', ''),
                    nullif(row_number() OVER (PARTITION BY first_name, last_name, company ORDER BY n), 1), c.domain)),
       CASE WHEN pg_temp.die(n, 34, 7) > 0 THEN
         format('+%s %s 555 %s', p.dialling_code, 200 + pg_temp.die(n, 35, 700), to_char(pg_temp.die(n, 36, 10000), 'FM0000')) END,
       pg_temp.pick(n, 37, ARRAY['Head of Procurement', 'Purchasing Manager', 'Operations Manager', 'Operations Manager', 'Chief Financial Officer', 'Managing Director',
         'Office Manager', 'Project Manager', 'Project Manager', 'Facilities Lead', 'Supply Chain Analyst', 'Buyer', 'Buyer', 'Senior Buyer', 'Founder', 'Plant Manager',
         'Quality Lead', 'Executive Assistant', 'Head of Finance', 'Category Manager', 'Site Engineer', 'Product Manager', 'Chief Operating Officer', 'Accounts Payable Clerk']),
       c.name, p.city, p.country_code,
       pg_temp.pick(n, 38, ARRAY['lead', 'lead', 'lead', 'prospect', 'prospect', 'customer', 'customer', 'customer', 'customer', 'former_customer'])::contact_lifecycle,
       pg_temp.die(n, 39, 4) > 0,
       at, at + pg_temp.die(n, 40, 90) * interval '1 day'
FROM generate_series(1, 12000) AS n
CROSS JOIN LATERAL (SELECT
  pg_temp.pick(n, 31, ARRAY['Amelia', 'Anton', 'Aisha', 'Benjamin', 'Beatriz', 'Bo', 'Camille', 'Chen', 'Clara', 'Daniel', 'Daria', 'Diego', 'Elena', 'Emil', 'Esther',
    'Farid', 'Fatima', 'Felix', 'Freya', 'Gabriel', 'Grace', 'Hana', 'Henrik', 'Hugo', 'Ibrahim', 'Ines', 'Ingrid', 'Isaac', 'Jana', 'Javier', 'Jonas', 'Julia', 'Kaito',
    'Katarina', 'Kwame', 'Laila', 'Leo', 'Linnea', 'Lucas', 'Magda', 'Marco', 'Maria', 'Mateo', 'Mei', 'Mina', 'Naomi', 'Nikhil', 'Nina', 'Noah', 'Olga', 'Oscar', 'Paula',
    'Pedro', 'Petra', 'Rafael', 'Rania', 'Rosa', 'Samir', 'Sara', 'Sofia', 'Stefan', 'Tara', 'Theo', 'Thandi', 'Tomas', 'Uma', 'Vera', 'Viktor', 'Wei', 'Yara', 'Zofia']),
  pg_temp.pick(n, 32, ARRAY['Abbott', 'Adeyemi', 'Almeida', 'Andersson', 'Bakker', 'Baptiste', 'Barros', 'Becker', 'Bianchi', 'Brandt', 'Castro', 'Chandra', 'Cohen', 'Costa',
    'Dahl', 'Dubois', 'Eriksen', 'Farrell', 'Fischer', 'Fontaine', 'Fujita', 'Gallagher', 'Garcia', 'Gupta', 'Haddad', 'Hansen', 'Hoffmann', 'Horvat', 'Hughes', 'Ito',
    'Ivanova', 'Jansen', 'Johansson', 'Kamau', 'Kaplan', 'Keller', 'Khan', 'Kimura', 'Kowalski', 'Kruger', 'Larsen', 'Laurent', 'Lehtonen', 'Lopez', 'Mahlangu', 'Marino',
    'Martins', 'Mensah', 'Meyer', 'Moreau', 'Mukherjee', 'Nakamura', 'Ndiaye', 'Nielsen', 'Novak', 'Nowak', 'Okafor', 'Olsen', 'Ozturk', 'Patel', 'Pereira', 'Popescu',
    'Quinn', 'Rahman', 'Reyes', 'Ricci', 'Romero', 'Rossi', 'Sandoval', 'Santos', 'Sato', 'Schneider', 'Silva', 'Singh', 'Sorensen', 'Suzuki', 'Svensson', 'Tanaka',
    'Thompson', 'Torres', 'van Dijk', 'Vargas', 'Virtanen', 'Wagner', 'Walsh', 'Weber', 'Williams', 'Wong', 'Yilmaz', 'Zhang', 'Zimmermann']),
  pg_temp.die(n, 33, 100),
  pg_temp.die(n, 41, 1200),
  timestamptz '2022-01-15 08:00' + n * interval '130 minutes' + pg_temp.die(n, 42, 500) * interval '1 minute'
) AS t (first_name, last_name, slice, company, at)
JOIN shares s ON t.slice >= s.first_slice AND t.slice < s.end_slice
JOIN companies c USING (company)
JOIN places p USING (place)
ORDER BY n;


-- The k-th contact and product of an organization, so that a row can only ever refer to rows of its own.
CREATE TEMPORARY TABLE org_contacts ON COMMIT DROP AS
SELECT organization_id, row_number() OVER (PARTITION BY organization_id ORDER BY id) - 1 AS k, id, first_name, company_name, created_at
FROM contacts;
CREATE TEMPORARY TABLE org_products ON COMMIT DROP AS
SELECT organization_id, row_number() OVER (PARTITION BY organization_id ORDER BY id) - 1 AS k, id, name, unit_price
FROM products;
CREATE TEMPORARY TABLE org_sizes ON COMMIT DROP AS
SELECT s.organization_id, s.first_slice, s.end_slice,
       (SELECT count(*) FROM org_contacts c WHERE c.organization_id = s.organization_id) AS contacts,
       (SELECT count(*) FROM org_products p WHERE p.organization_id = s.organization_id) AS products
FROM shares s;
ANALYZE org_contacts, org_products, org_sizes;

-- Today, in this database, is 30 June 2025: what was to close before it mostly has.
INSERT INTO opportunities (public_id, organization_id, contact_id, product_id, name, stage, quantity, amount, probability,
                           expected_close_date, closed_at, created_at, updated_at)
SELECT pg_temp.uuid_of('opportunity ' || n), o.organization_id, c.id, p.id,
       format('%s: %s', c.company_name, p.name),
       stage, quantity,
       -- A discount of up to 20%, in steps of 5.
       round(p.unit_price * quantity * (1 - pg_temp.die(n, 54, 5) * 0.05), 2),
       CASE stage WHEN 'prospecting' THEN 10 WHEN 'qualified' THEN 25 WHEN 'proposal' THEN 50 WHEN 'negotiation' THEN 75 WHEN 'won' THEN 100 ELSE 0 END,
       (closes + pg_temp.die(n, 55, 15) * interval '1 day')::date,
       CASE WHEN stage IN ('won', 'lost') THEN closes END,
       opened,
       CASE WHEN stage IN ('won', 'lost') THEN closes ELSE least(opened + pg_temp.die(n, 56, 40) * interval '1 day', timestamptz '2025-06-30 18:00') END
FROM generate_series(1, 20000) AS n
CROSS JOIN LATERAL (SELECT pg_temp.die(n, 51, 100)) AS d (slice)
JOIN org_sizes o ON d.slice >= o.first_slice AND d.slice < o.end_slice
-- The square favours the oldest contacts: a few customers bring most of the business.
JOIN org_contacts c ON c.organization_id = o.organization_id
                   AND c.k = floor(o.contacts * power(pg_temp.die(n, 52, 10000) / 10000.0, 2))
JOIN org_products p ON p.organization_id = o.organization_id AND p.k = pg_temp.die(n, 53, o.products)
CROSS JOIN LATERAL (SELECT
  c.created_at + (timestamptz '2025-06-30 09:00' - c.created_at) * (pg_temp.die(n, 57, 1000) / 1000.0),
  (1 + pg_temp.die(n, 58, 6) * pg_temp.die(n, 59, 5))::integer
) AS t (opened, quantity)
CROSS JOIN LATERAL (SELECT opened + (7 + pg_temp.die(n, 60, 110)) * interval '1 day') AS e (closes)
CROSS JOIN LATERAL (SELECT CASE
  WHEN closes < timestamptz '2025-06-30' THEN pg_temp.pick(n, 61, ARRAY['won', 'won', 'won', 'lost', 'lost'])
  ELSE pg_temp.pick(n, 62, ARRAY['prospecting', 'prospecting', 'qualified', 'qualified', 'proposal', 'negotiation'])
END::opportunity_stage) AS f (stage)
ORDER BY opened, n;

-- Two of three interactions belong to an opportunity, the others to the contact alone. A body is three
-- sentences, each one of several: how it went, what was said, what happens next.
CREATE TEMPORARY TABLE org_opportunities ON COMMIT DROP AS
SELECT o.organization_id, row_number() OVER (PARTITION BY o.organization_id ORDER BY o.id) - 1 AS k,
       o.id, o.contact_id, o.created_at, coalesce(o.closed_at, timestamptz '2025-06-30 18:00') AS ended_at, p.name AS product
FROM opportunities o JOIN products p ON p.id = o.product_id;
ALTER TABLE org_sizes ADD COLUMN opportunities bigint;
UPDATE org_sizes s SET opportunities = (SELECT count(*) FROM org_opportunities o WHERE o.organization_id = s.organization_id);
CREATE INDEX ON org_contacts (id);
ANALYZE org_opportunities, org_sizes;

INSERT INTO interactions (public_id, organization_id, contact_id, opportunity_id, kind, subject, body, duration_minutes, occurred_at, created_at, updated_at)
SELECT pg_temp.uuid_of('interaction ' || n), o.organization_id, c.id, CASE WHEN about_deal THEN d.id END, kind,
       format(CASE kind
         WHEN 'email' THEN pg_temp.pick(n, 71, ARRAY['Re: %s', 'Your question about %s', 'Quote for %s', 'Fwd: delivery dates for %s', 'Updated terms for %s'])
         WHEN 'call' THEN pg_temp.pick(n, 71, ARRAY['Call about %s', 'Follow-up call: %s', 'Missed call returned: %s', 'Pricing call: %s'])
         WHEN 'meeting' THEN pg_temp.pick(n, 71, ARRAY['Demo of %s', 'Site visit: %s', 'Quarterly review: %s', 'Kick-off for %s'])
         ELSE pg_temp.pick(n, 71, ARRAY['Note on %s', 'Background: %s', 'Competitor mentioned: %s', 'Reminder: %s'])
       END, d.product),
       concat_ws(' ',
         format(CASE kind
           WHEN 'email' THEN pg_temp.pick(n, 72, ARRAY['%s wrote back within the hour.', 'Sent %s the quote and the data sheet.', '%s forwarded our offer to the finance team.',
             '%s asked for the terms in writing.', 'Answered three open questions from %s.', '%s apologised for the slow reply.'])
           WHEN 'call' THEN pg_temp.pick(n, 72, ARRAY['Good call with %s, who had read the offer beforehand.', '%s was in a hurry, so we kept it short.', 'Reached %s on the second try.',
             '%s called to complain about the last delivery.', 'Spoke with %s and a colleague from purchasing.', '%s wanted to go through the numbers line by line.'])
           WHEN 'meeting' THEN pg_temp.pick(n, 72, ARRAY['Met %s at their office.', '%s brought two colleagues along.', 'Showed %s how it works with their own data.',
             '%s walked us through the plant.', 'Lunch with %s after the review.', '%s joined by video because of the train strike.'])
           ELSE pg_temp.pick(n, 72, ARRAY['%s prefers to be called after lunch.', '%s decides alone up to 10,000, above that the board does.', '%s has moved to a new team but stays our contact.',
             'Ran into %s at the trade fair.', '%s is comparing us with two other suppliers.', '%s will be on leave for the first half of the month.'])
         END, c.first_name),
         format(pg_temp.pick(n, 73, ARRAY['They like the %s but need a second opinion on the lead time.', 'The price of the %s is fine, the payment terms are not.',
           'They want to start with one %s and order the rest next quarter.', 'Budget for the %s is approved, pending a signature.', 'The old supplier of their %s has raised prices twice this year.',
           'They asked whether the %s can be delivered before the holidays.', 'Two of the units delivered last year still run without a fault, so a further %s is welcome.',
           'Their legal team has questions about the warranty of the %s.', 'A smaller version of the %s would be enough for the pilot.']), d.product),
         pg_temp.pick(n, 74, ARRAY['Will send a revised offer by Friday.', 'Next call is set for Tuesday morning.', 'No further action needed for now.', 'Asked support to prepare a sample.',
           'They will come back to us after their board meeting.', 'I promised references from two customers.', 'To be continued once the new budget year starts.',
           'Please keep an eye on this one while I am away.', 'They expect the contract in their inbox tomorrow.'])),
       CASE kind WHEN 'call' THEN 3 + pg_temp.die(n, 75, 42) WHEN 'meeting' THEN 30 + 15 * pg_temp.die(n, 75, 7) END,
       at, at, at
FROM generate_series(1, 40000) AS n
CROSS JOIN LATERAL (SELECT
  pg_temp.die(n, 76, 100),
  pg_temp.die(n, 77, 3) > 0,
  pg_temp.pick(n, 78, ARRAY['email', 'email', 'email', 'email', 'call', 'call', 'call', 'meeting', 'note', 'note'])::interaction_kind
) AS t (slice, about_deal, kind)
JOIN org_sizes o ON t.slice >= o.first_slice AND t.slice < o.end_slice
JOIN org_opportunities d ON d.organization_id = o.organization_id AND d.k = pg_temp.die(n, 79, o.opportunities)
JOIN org_contacts c ON c.id = d.contact_id
-- On a day between the opportunity's first and last, in office hours.
CROSS JOIN LATERAL (SELECT date_trunc('day', d.created_at + (d.ended_at - d.created_at) * (pg_temp.die(n, 80, 1000) / 1000.0))
                             + (480 + pg_temp.die(n, 81, 600)) * interval '1 minute') AS e (at)
ORDER BY at, n;

DROP FUNCTION pg_temp.die(bigint, bigint, bigint);
DROP FUNCTION pg_temp.pick(bigint, bigint, text[]);
DROP FUNCTION pg_temp.uuid_of(text);

COMMIT;

ANALYZE crm.organizations, crm.users, crm.memberships, crm.contacts, crm.products, crm.opportunities, crm.interactions;
