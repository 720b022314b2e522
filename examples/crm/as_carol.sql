-- What the API gateway does for a request of Carol's, after it has checked her token. Carol consults
-- for Acme Rockets and for Globex, so her token names no organization: she picks one with set_org().
SET ROLE authenticated;
SET request.jwt.claims = '{"sub": "0000000c-0000-4000-8000-0000000000c1", "role": "authenticated"}';
