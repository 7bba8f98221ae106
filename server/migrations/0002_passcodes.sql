-- The live challenge for a recipient and a purpose. One row a combination: a resend finds the row and keeps its code,
-- an expired or consumed row is replaced. Rule 6: the key is what the code is bound to.
create table passcodes (
  pool_id uuid not null,
  recipient text not null,
  purpose text not null,
  application_id text not null,
  -- The signed-in user who asked; the nil UUID for a stranger.
  holder uuid not null,
  id uuid not null,
  -- Rule 3: the code is derived from the id by a key outside the database; here stands only its keyed digest.
  key_id text not null,
  code_digest bytea not null,
  attempts integer not null default 0,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz,
  primary key (pool_id, recipient, purpose, application_id, holder)
) with (fillfactor = 70);

-- Counters of every limit: used so far in a window that began with its first use.
-- A counter that very many requests share is split into shards, so that they do not wait for one row.
create table limit_counters (
  pool_id uuid not null,
  key text not null,
  shard smallint not null,
  used integer not null,
  resets_at timestamptz not null,
  primary key (pool_id, key, shard)
) with (fillfactor = 50);

-- One row a message: what is to be sent, to whom, by which provider. No text and no code:
-- both are made again from the challenge when they are needed.
create table messages (
  pool_id uuid not null,
  id uuid not null,
  application_id text not null,
  channel text not null check (channel in ('sms', 'email')),
  recipient text not null,
  purpose text not null,
  passcode_id uuid not null,
  key_id text not null,
  provider text not null,
  language text not null,
  requested_by uuid,
  ip text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (pool_id, id)
);

create index messages_recipient_idx on messages (pool_id, recipient, id);
