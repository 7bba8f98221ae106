-- What a pool asks of changes to accounts, as one document; a pool without a row has the defaults.
create table account_policies (
  pool_id uuid primary key references pools (id),
  policy jsonb not null,
  updated_at timestamptz not null
);

alter table users
  -- When a code that was sent there last came back in this user's name: operators give numbers to new people.
  add column phone_proved_at timestamptz,
  -- Null where the address came with the account.
  add column email_bound_at timestamptz,
  -- After an undone change: the password opens nothing until it was reset.
  add column password_reset_required boolean not null default false;

update users
   set phone_proved_at = phone_bound_at
 where phone is not null;

-- Rule 18: every binding stays, also when its user is deleted, and without the number in clear. Rows from before this
-- migration get their masked number and fingerprint from the server, which has the key.
alter table phone_bindings
  drop constraint phone_bindings_pool_id_user_id_fkey,
  alter column phone drop not null,
  add column phone_masked text,
  add column phone_fingerprint text,
  -- 'changed', 'unbound', 'undone', 'claimed' or 'deleted'.
  add column end_reason text;

create index phone_bindings_fingerprint_idx on phone_bindings (pool_id, phone_fingerprint);

-- What somebody has just proved, and may now do once: change a phone, reset a password.
create table step_up_tokens (
  pool_id uuid not null,
  token_hash bytea not null,
  kind text not null
    check (kind in ('update_phone', 'update_email', 'reset_password', 'delete_account', 'enroll_factor')),
  user_id uuid not null,
  -- Null where it was proved without being signed in.
  session_id uuid,
  -- Sealed JSON: the numbers, addresses or secrets that it is for.
  sealed_detail text not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz,
  primary key (pool_id, token_hash),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
);

create index step_up_tokens_expiry_idx on step_up_tokens (expires_at);

-- What a person is told of after a change to the account, with a link that undoes it. The token of the link is derived
-- from the id by a key outside the database, so that the message can be made again; here stands its hash.
create table notices (
  pool_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  application_id text not null,
  kind text not null,
  -- Sealed JSON: the numbers or addresses before and after.
  sealed_detail text not null,
  key_id text not null,
  -- Null where there is nothing to undo.
  token_hash bytea,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  -- An earlier change was undone, and this one with it.
  voided_at timestamptz,
  primary key (pool_id, id),
  -- A link brings the token alone; this finds its pool.
  constraint notices_token_key unique (token_hash)
);

create index notices_user_idx on notices (pool_id, user_id, id);
create index notices_expiry_idx on notices (expires_at);

-- A message carries a passcode, or tells of a notice.
alter table messages
  alter column passcode_id drop not null,
  alter column key_id drop not null,
  add column notice_id uuid,
  add constraint messages_content_check check ((passcode_id is null) <> (notice_id is null));

alter table message_attempts
  drop constraint message_attempts_channel_check,
  add constraint message_attempts_channel_check check (channel in ('sms', 'voice', 'whatsapp', 'email'));

-- A change of phone by somebody who lost the old one: it waits, so that the owner can stop it.
create table phone_changes (
  pool_id uuid not null,
  user_id uuid not null,
  sealed_phone text not null,
  application_id text not null,
  session_id uuid not null,
  ip text,
  language text not null,
  requested_at timestamptz not null,
  due_at timestamptz not null,
  primary key (pool_id, user_id),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
);

create index phone_changes_due_idx on phone_changes (due_at);

-- Somebody proved a number that a dormant account has: after a cool-off the number is free for who proves it again.
create table phone_claims (
  pool_id uuid not null,
  phone_fingerprint text not null,
  owner_id uuid not null,
  application_id text not null,
  ip text,
  started_at timestamptz not null,
  ripe_at timestamptz not null,
  expires_at timestamptz not null,
  stopped_at timestamptz,
  primary key (pool_id, phone_fingerprint),
  foreign key (pool_id, owner_id) references users (pool_id, id) on delete cascade
);

-- Every sign-in, and every try of one. One of an unknown account has no user, and costs the same.
create table sign_ins (
  pool_id uuid not null,
  id uuid not null,
  user_id uuid,
  application_id text not null,
  session_id uuid,
  method text not null,
  succeeded boolean not null,
  -- The name of the refusal.
  reason text,
  ip text,
  user_agent text,
  tried_at timestamptz not null,
  primary key (pool_id, id)
);

create index sign_ins_user_idx on sign_ins (pool_id, user_id, id);
create index sign_ins_age_idx on sign_ins (tried_at);

alter table sessions
  -- The last factor beside the sign-in that was proved in this session: 'OTP', 'PASSKEY', 'RECOVERY_CODE'.
  add column proved_factor text,
  add column factor_proved_at timestamptz,
  -- The user took the device from the list.
  add column device_removed_at timestamptz;

-- What a user can prove beside the sign-in; one of a type.
create table factors (
  pool_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  type text not null check (type in ('OTP', 'SMS', 'EMAIL')),
  -- The phone or address of SMS and EMAIL.
  recipient text,
  -- Rule 27: of OTP.
  sealed_secret text,
  -- The last time step whose TOTP was accepted: none is accepted twice.
  last_step bigint,
  recovery_code_digest bytea,
  recovery_code_used_at timestamptz,
  -- Whether who enrolled it had just proved more than a password, as far as there was more to prove: only then its
  -- proof stands in for the old phone's (rule 14).
  enrolled_with_proof boolean not null default false,
  enrolled_at timestamptz not null,
  last_proved_at timestamptz,
  primary key (pool_id, id),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade,
  constraint factors_type_key unique (pool_id, user_id, type)
);

-- Public keys of authenticators (WebAuthn).
create table passkeys (
  pool_id uuid not null,
  -- As the authenticator made it, in base64url.
  credential_id text not null,
  user_id uuid not null,
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null,
  backed_up boolean not null,
  authenticator_id text not null,
  -- Whether more than a password was proved as it was registered: only then it may stand in for a phone or an address.
  registered_with_proof boolean not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  primary key (pool_id, credential_id),
  foreign key (pool_id, user_id) references users (pool_id, id) on delete cascade
);

create index passkeys_user_idx on passkeys (pool_id, user_id);

-- The SMTP server that sends a pool's email; a pool without a row has none.
create table mail_settings (
  pool_id uuid primary key references pools (id),
  settings jsonb not null,
  sealed_password text,
  updated_at timestamptz not null
);

-- Of a template for email; null: the built-in one.
alter table message_templates add column subject text;
