-- Every table of a pool carries pool_id as the first part of its key, so that the data can be distributed by pool.
-- Ids are UUIDv7, made by the server. Times are the server's clock, handed in, never now().

create table pools (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null
);

create table applications (
  pool_id uuid not null references pools (id),
  id text not null,
  name text not null,
  -- Sealed and not hashed: HS256 id tokens are signed with it.
  sealed_secret text not null,
  client_authentication text not null
    check (client_authentication in ('client_secret', 'none')),
  id_token_algorithm text not null check (id_token_algorithm in ('RS256', 'HS256')),
  access_token_ttl_seconds integer not null check (access_token_ttl_seconds between 60 and 86400),
  id_token_ttl_seconds integer not null check (id_token_ttl_seconds between 60 and 1209600),
  refresh_token_ttl_seconds integer not null check (refresh_token_ttl_seconds between 60 and 31536000),
  sign_up_enabled boolean not null,
  created_at timestamptz not null,
  primary key (pool_id, id),
  -- A request names the application alone; this finds its pool.
  constraint applications_id_key unique (id)
);

create table administrators (
  pool_id uuid not null references pools (id),
  id uuid not null,
  username text not null,
  password_hash text not null,
  created_at timestamptz not null,
  primary key (pool_id, id),
  constraint administrators_username_key unique (pool_id, username)
);

create table users (
  pool_id uuid not null references pools (id),
  id uuid not null,
  status text not null default 'Activated'
    check (status in ('Activated', 'Suspended', 'Resigned', 'Archived', 'Deactivated')),
  -- Canonical E.164; the calling code and the national number are derived from it.
  phone text check (phone ~ '^\+[1-9][0-9]{3,14}$'),
  phone_bound_at timestamptz,
  email text check (email = lower(email)),
  email_verified boolean not null default false,
  username text,
  password_hash text,
  password_set_at timestamptz,
  -- 0 none, 1 low, 2 medium, 3 high; judged when it was set, because the hash tells nothing.
  password_security_level smallint not null default 0,
  external_id text,
  profile jsonb not null default '{}',
  custom_data jsonb not null default '{}',
  source text not null default 'register',
  sign_in_count integer not null default 0,
  last_sign_in_at timestamptz,
  last_ip text,
  last_application_id text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (pool_id, id),
  -- Rule 13: the index decides the race of two users for one number.
  constraint users_phone_key unique (pool_id, phone),
  constraint users_email_key unique (pool_id, email),
  constraint users_external_id_key unique (pool_id, external_id)
);

create unique index users_username_key on users (pool_id, lower(username));

-- Rule 18: every binding ever made stays.
create table phone_bindings (
  pool_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  phone text not null,
  application_id text not null,
  ip text,
  bound_at timestamptz not null,
  unbound_at timestamptz,
  primary key (pool_id, user_id, id),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
);

-- Append-only. A number appears as its keyed fingerprint and masked, never in clear (rule 12).
create table audit_events (
  pool_id uuid not null,
  id uuid not null,
  type text not null,
  user_id uuid,
  application_id text,
  ip text,
  detail jsonb not null default '{}',
  occurred_at timestamptz not null,
  primary key (pool_id, id)
);

-- Ids are in the order of time.
create index audit_events_user_idx on audit_events (pool_id, user_id, id);
