-- Providers that an administrator configured, by the name that routes know them by.
create table sms_providers (
  pool_id uuid not null references pools (id),
  name text not null,
  kind text not null,
  settings jsonb not null,
  -- Rule 27: one sealed JSON object with the settings that are secret.
  sealed_secrets text not null,
  enabled boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (pool_id, name)
);

-- Which providers serve which numbers; the first route that serves a number is taken. Replaced as a whole.
create table sms_routes (
  pool_id uuid not null references pools (id),
  position integer not null,
  name text not null,
  serves jsonb not null,
  step_order text not null check (step_order in ('listed', 'share', 'learned')),
  steps jsonb not null,
  primary key (pool_id, position),
  constraint sms_routes_name_key unique (pool_id, name)
);

-- What an SMS may carry beside the code, so that a phone offers it to the right site or app.
alter table applications
  add column web_otp_host text,
  add column android_sms_hash text;

-- A message is queued until a provider has accepted it; the process that delivers it holds a lease, so that a crash
-- loses nothing and two processes do not send the same message. Rows for the inbox are accepted as they are written.
alter table messages
  alter column provider drop not null,
  add column region text,
  add column state text not null default 'accepted'
    check (state in ('queued', 'accepted', 'delivered', 'failed')),
  add column leased_until timestamptz,
  add column verified_at timestamptz,
  -- When its code has had time to come back, and the message is counted as sent; null: counted, or never to be.
  add column count_at timestamptz,
  -- What the guard would have done in its other mode: 'challenged', 'blocked', 'limited'.
  add column guard_note text;

create index messages_queue_idx on messages (leased_until) where state = 'queued';
create index messages_count_idx on messages (count_at) where count_at is not null;

-- Each try of a provider. The primary key is the fence: of two processes with one message, one gets the position.
create table message_attempts (
  pool_id uuid not null,
  message_id uuid not null,
  position smallint not null,
  -- The idempotency key and the reference that the provider gets.
  id uuid not null,
  provider text not null,
  channel text not null check (channel in ('sms', 'voice', 'whatsapp')),
  state text not null
    check (state in ('started', 'unknown', 'refused', 'accepted', 'sent', 'delivered', 'failed')),
  reason text,
  code text,
  provider_message_id text,
  segments smallint,
  price_micros bigint,
  currency text,
  started_at timestamptz not null,
  answered_at timestamptz,
  finished_at timestamptz,
  -- When to ask the provider what became of it; null: not, or no more.
  poll_at timestamptz,
  polls smallint not null default 0,
  primary key (pool_id, message_id, position)
);

create index message_attempts_provider_idx on message_attempts (pool_id, provider, provider_message_id);
create index message_attempts_poll_idx on message_attempts (poll_at) where poll_at is not null;

-- Every receipt that came, once a state: kept even when the attempt that it tells of is not known yet.
create table message_receipts (
  pool_id uuid not null,
  provider text not null,
  provider_message_id text not null,
  state text not null check (state in ('sent', 'delivered', 'failed')),
  reason text,
  code text,
  price_micros bigint,
  currency text,
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  primary key (pool_id, provider, provider_message_id, state)
);

create index message_receipts_age_idx on message_receipts (received_at);
