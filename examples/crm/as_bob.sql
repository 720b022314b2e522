-- What the API gateway does for a request of Bob's, after it has checked his token: it becomes the
-- API role and passes his claims on. Bob owns the organization Globex.
SET ROLE authenticated;
SET request.jwt.claims = '{"sub": "0000000b-0000-4000-8000-0000000000b1", "org_id": "bbbbbbbb-0000-4000-8000-000000000002", "role": "authenticated"}';
