-- One signed-in browser or program of an administrator. Signing out deletes the row; the audit log keeps the event.
create table administrator_sessions (
  pool_id uuid not null,
  id uuid not null,
  administrator_id uuid not null,
  token_hash bytea not null,
  ip text,
  user_agent text,
  created_at timestamptz not null,
  -- Written at most once a minute.
  last_used_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (pool_id, id),
  foreign key (pool_id, administrator_id) references administrators (pool_id, id) on delete cascade,
  -- A request brings the token alone; this finds its pool.
  constraint administrator_sessions_token_key unique (token_hash)
);

create index administrator_sessions_administrator_idx on administrator_sessions (pool_id, administrator_id);

-- What a program calls the console's API with, in the name of an administrator. A revoked key keeps its row, so that
-- audit events can be read.
create table administrator_keys (
  pool_id uuid not null,
  id uuid not null,
  administrator_id uuid not null,
  name text not null,
  token_hash bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  -- Written at most once a minute.
  last_used_at timestamptz,
  revoked_at timestamptz,
  primary key (pool_id, id),
  foreign key (pool_id, administrator_id) references administrators (pool_id, id) on delete cascade,
  constraint administrator_keys_token_key unique (token_hash)
);
