-- The words of a passcode message, where a pool has its own. An empty region or purpose means any.
create table message_templates (
  pool_id uuid not null references pools (id),
  channel text not null check (channel in ('sms', 'voice', 'whatsapp', 'email')),
  -- BCP 47, in its canonical form: 'fr-CA'.
  locale text not null,
  region text not null,
  purpose text not null,
  text text not null,
  updated_at timestamptz not null,
  primary key (pool_id, channel, locale, region, purpose)
);
