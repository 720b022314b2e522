-- What the API gateway does for a request of Ada's, after it has checked her token: it becomes the
-- API role and passes her claims on. Ada owns the organization Acme Rockets.
SET ROLE authenticated;
SET request.jwt.claims = '{"sub": "0000000a-0000-4000-8000-0000000000a1", "org_id": "aaaaaaaa-0000-4000-8000-000000000001", "role": "authenticated"}';
