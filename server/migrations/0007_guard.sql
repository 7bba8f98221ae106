-- Amounts of money are counted in millionths.
alter table limit_counters alter column used type bigint;

-- How many messages were sent and how many of their codes came back, of a prefix, a region or a provider. Both decay
-- by half in a fixed time, lazily: the values hold for `decayed_at`. They add up over the shards of a key.
create table conversions (
  pool_id uuid not null,
  key text not null,
  shard smallint not null,
  sent double precision not null,
  verified double precision not null,
  decayed_at timestamptz not null,
  primary key (pool_id, key, shard)
) with (fillfactor = 50);

-- What the guard of a pool allows, as one document; a pool without a row has the defaults.
create table guard_policies (
  pool_id uuid primary key references pools (id),
  policy jsonb not null,
  updated_at timestamptz not null
);

-- Numbers that get a fixed code and no message.
create table test_numbers (
  pool_id uuid not null references pools (id),
  phone text not null,
  sealed_code text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  primary key (pool_id, phone)
);

-- What a lookup service said of a number, by its keyed fingerprint.
create table line_lookups (
  pool_id uuid not null,
  phone_fingerprint text not null,
  line_type text,
  sim_swapped_at timestamptz,
  looked_up_at timestamptz not null,
  primary key (pool_id, phone_fingerprint)
);
