import { named, type Queryable, sql } from '../core/database.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'

type Of = { poolId: string; userId: string }

/** Numbers and addresses that the account has: its own, and those of its factors. */
export const selectRecipients = async (tx: Queryable, { poolId, userId }: Of): Promise<string[]> => {
  const rows = await tx.query<{ recipient: string }>(sql`
    select phone as recipient
      from users
     where pool_id = ${named({ poolId })}
       and id = ${named({ userId })}
       and phone is not null
     union
    select email
      from users
     where pool_id = ${named({ poolId })}
       and id = ${named({ userId })}
       and email is not null
     union
    select recipient
      from factors
     where pool_id = ${named({ poolId })}
       and user_id = ${named({ userId })}
       and recipient is not null`)
  return rows.map(({ recipient }) => recipient)
}

/** Codes sent to the account's numbers and addresses, and those that it asked for to others. */
export const deletePasscodesOf = (tx: Queryable, given: Of & { recipients: readonly string[] }) =>
  tx.query(sql`
    delete from passcodes
     where pool_id = ${given.poolId}
       and (recipient = any(${given.recipients}::text[]) or holder = ${given.userId})`)

/**
 * Messages to the account's numbers and addresses, and those of its notices, wherever they went. What the account
 * sent to others stays to be counted by the guard, without the account: else who sends and deletes would send unseen.
 */
export const deleteMessagesOf = async (
  tx: Queryable,
  given: Of & { recipients: readonly string[] },
): Promise<void> => {
  await tx.query(sql`
    with gone as (
      delete from messages
       where pool_id = ${named({ poolId: given.poolId })}
         and (
               recipient = any(${given.recipients}::text[])
               or notice_id in (
                    select id
                      from notices
                     where notices.pool_id = ${named({ poolId: given.poolId })}
                       and notices.user_id = ${named({ userId: given.userId })}
                  )
             )
      returning id
    )
    delete from message_attempts
     using gone
     where message_attempts.pool_id = ${named({ poolId: given.poolId })}
       and message_attempts.message_id = gone.id`)
  await tx.query(sql`
    update messages
       set requested_by = null,
           ip = null
     where pool_id = ${given.poolId}
       and requested_by = ${given.userId}`)
}

export const deleteStepUpTokensOf = (tx: Queryable, { poolId, userId }: Of) =>
  tx.query(sql`
    delete from step_up_tokens
     where pool_id = ${poolId}
       and user_id = ${userId}`)

/** Rows that name the user and do not hang on its row; and refresh tokens, which others lock before their session. */
export const deleteWhatNamesUser = async (tx: Queryable, { poolId, userId }: Of): Promise<void> => {
  await tx.query(sql`
    delete from refresh_tokens
     using sessions
     where sessions.pool_id = ${poolId}
       and sessions.user_id = ${userId}
       and refresh_tokens.pool_id = sessions.pool_id
       and refresh_tokens.session_id = sessions.id`)
  await tx.query(sql`
    delete from notices
     where pool_id = ${poolId}
       and user_id = ${userId}`)
  await tx.query(sql`
    delete from sign_ins
     where pool_id = ${poolId}
       and user_id = ${userId}`)
}

/** Numbers that stand in clear in a history from before there were fingerprints. */
export const selectClearPhones = async (tx: Queryable, { poolId, userId }: Of): Promise<E164[]> => {
  const rows = await tx.query<{ phone: E164 }>(sql`
    select distinct phone
      from phone_bindings
     where pool_id = ${poolId}
       and user_id = ${userId}
       and phone is not null`)
  return rows.map(({ phone }) => phone)
}

export const fingerprintPhoneHistory = (tx: Queryable, given: Of & { phone: string; fingerprint: string }) =>
  tx.query(sql`
    update phone_bindings
       set phone_fingerprint = ${given.fingerprint}
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
       and phone = ${given.phone}`)

/** Rule 18: that a number changed hands stays, by its fingerprint. */
export const closePhoneHistory = (tx: Queryable, { poolId, userId, now }: Of & { now: Date }) =>
  tx.query(sql`
    update phone_bindings
       set end_reason = case when unbound_at is null then 'deleted' else end_reason end,
           unbound_at = coalesce(unbound_at, ${now}),
           phone = null,
           phone_masked = null,
           ip = null
     where pool_id = ${poolId}
       and user_id = ${userId}`)

/** Type and time stay, and of the detail what names nobody. */
export const forgetInEvents = (tx: Queryable, { poolId, userId }: Of) =>
  tx.query(sql`
    update audit_events
       set ip = null,
           detail = jsonb_strip_nulls(
             jsonb_build_object(
               'method', detail -> 'method',
               'reason', detail -> 'reason',
               'kind', detail -> 'kind'
             )
           )
     where pool_id = ${poolId}
       and user_id = ${userId}`)

/** Sessions, factors, passkeys, claims and waiting changes go with it. */
export const deleteUser = (tx: Queryable, { poolId, userId }: Of) =>
  tx.query(sql`
    delete from users
     where pool_id = ${poolId}
       and id = ${userId}`)
