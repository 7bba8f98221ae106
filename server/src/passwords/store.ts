import { named, type Queryable, sql } from '../core/database.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'

export type ResetSubject = {
  id: string
  status: string
  phone: E164 | null
  phone_proved_at: Date | null
  email: string | null
  email_verified: boolean
  username: string | null
}

/** Whose password a live token resets: for what has to be judged before it is spent. */
export const selectResetSubject = async (
  db: Queryable,
  given: { poolId: string; tokenHash: Buffer; now: Date },
): Promise<ResetSubject | undefined> => {
  const [row] = await db.query<ResetSubject>(sql`
    select users.id, users.status, users.phone, users.phone_proved_at, users.email, users.email_verified, users.username
      from step_up_tokens
      join users
        on users.pool_id = step_up_tokens.pool_id
       and users.id = step_up_tokens.user_id
     where step_up_tokens.pool_id = ${given.poolId}
       and step_up_tokens.token_hash = ${given.tokenHash}
       and step_up_tokens.kind = 'reset_password'
       and step_up_tokens.consumed_at is null
       and step_up_tokens.expires_at > ${given.now}`)
  return row
}

export type ReplacedPassword = { status: string; phone: E164 | null; email: string | null }

/** What a code proved on the way counts for the account, if the number or address is still its own. */
export const replacePassword = async (
  tx: Queryable,
  given: {
    poolId: string
    userId: string
    passwordHash: string
    level: number
    /** The number or address whose code opened the way; undefined: the old password did. */
    recipient: string | undefined
    now: Date
  },
): Promise<ReplacedPassword | undefined> => {
  const [row] = await tx.query<ReplacedPassword>(sql`
    update users
       set password_hash = ${given.passwordHash},
           password_set_at = ${named({ now: given.now })},
           password_security_level = ${given.level},
           password_reset_required = false,
           phone_proved_at = case
             when phone = ${named({ recipient: given.recipient ?? null })}::text then ${named({ now: given.now })}::timestamptz
             else phone_proved_at
           end,
           email_verified = email_verified or coalesce(email = ${named({ recipient: given.recipient ?? null })}::text, false),
           updated_at = ${named({ now: given.now })}
     where pool_id = ${given.poolId}
       and id = ${given.userId}
    returning status, phone, email`)
  return row
}
