-- One signed-in browser or device; every token belongs to one, and ends with it.
create table sessions (
  pool_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  application_id text not null,
  scope text not null,
  method text not null,
  ip text,
  user_agent text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text,
  primary key (pool_id, id),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
);

create index sessions_user_idx on sessions (pool_id, user_id);
create index sessions_expiry_idx on sessions (expires_at);

-- Rule 26: a token is rotated at each use; one that comes back after its rotation ends the session.
create table refresh_tokens (
  pool_id uuid not null,
  token_hash bytea not null,
  session_id uuid not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  rotated_at timestamptz,
  primary key (pool_id, token_hash),
  foreign key (pool_id, session_id) references sessions (pool_id, id) on delete cascade
);

create index refresh_tokens_session_idx on refresh_tokens (pool_id, session_id);

-- Keys of the server, shared by all pools: they sign tokens, and they open passwords that a client encrypted.
create table server_keys (
  id text primary key,
  use text not null check (use in ('sign_token', 'password_rsa', 'password_sm2')),
  public_key text not null,
  sealed_private_key text not null,
  created_at timestamptz not null,
  -- A rotated key is still published and accepted until then; null while it is the newest.
  retires_at timestamptz
);
