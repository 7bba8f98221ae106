// Unbinding: the account gives up its number.
//
// What must stay true: it is refused when nothing else would be left to sign in with, judged while the user is held,
// and it removes every use of the number (rule 16); the other sessions end and the owner is told (rule 15).
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Notices, Reach } from '../notices/notices.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import type { SignInWays, Users } from '../users/users.ts'
import type { Replace } from './replace.ts'

export type UnbindRequest = {
  user: AccessToken
  application: Application
  passcode: string
  ip: string
  /** Of the notice: BCP 47. */
  language: string
}

type Deps = {
  db: Database
  users: Users
  sessions: Sessions
  passcodes: Passcodes
  notices: Notices
  replace: Replace
  audit: Audit
  clock: Clock
}

export const createUnbind = (deps: Deps) => {
  const { db, users, sessions, passcodes, notices, replace, audit, clock } = deps

  const remove = async (
    request: UnbindRequest,
    { phone, reach }: { phone: E164; reach: Reach },
    tx: Queryable,
  ): Promise<void> => {
    const { user, application, ip, language } = request
    const { poolId, userId, sessionId } = user
    const applicationId = application.id
    const held = await users.hold(user, tx)
    if (held.phone !== phone) throw new ApiError('phone_not_bound', 'the phone went at the same instant')
    requireOtherWay(await users.signInWays(poolId, userId, tx))
    const beforeFactor = await replace(
      { poolId, userId, from: phone, to: null, reason: 'unbound', applicationId, ip },
      tx,
    )
    await sessions.endOthers({ poolId, userId, keptSessionId: sessionId, reason: 'phone_unbound' }, tx)
    const detail = audit.describePhone(phone)
    await audit.record(poolId, { type: 'phone.unbound', userId, applicationId, ip, detail }, tx)
    // A code of the number has just come back.
    const before = { before: phone, beforeProvedAt: clock.now().toISOString(), beforeFactor }
    await notices.record(
      { poolId, applicationId, userId, kind: 'phone_unbound', ip, language, ...before },
      [phone, held.email],
      reach,
      tx,
    )
  }

  return {
    /**
     * @throws ApiError token_invalid, user_disabled, phone_not_bound, last_sign_in_method, request_invalid (passCode),
     *   passcode_incorrect, passcode_expired, passcode_attempts_exceeded
     */
    unbind: async (request: UnbindRequest): Promise<void> => {
      const { user, application, passcode: code } = request
      const { poolId, userId } = user
      const known = await users.get(poolId, userId)
      const phone = known?.phone ?? undefined
      if (phone === undefined) throw new ApiError('phone_not_bound', 'there is no phone to unbind')
      requireOtherWay(await users.signInWays(poolId, userId))
      const proof = passcodes.proof({ application, purpose: 'unbind_phone', recipient: phone, code, userId })
      const reach = await notices.reach(poolId, [phone])

      const verdict = await db.transaction(async (tx) => {
        const row = await passcodes.verify(proof, tx)
        if (row.outcome === 'accepted') await remove(request, { phone, reach }, tx)
        return row
      })

      // Refused outside of the transaction, so that a counted attempt is not rolled back.
      passcodes.requireAccepted(verdict)
    },
  }
}

const requireOtherWay = ({ email, username, passkey }: SignInWays): void => {
  if (!email && !username && !passkey)
    throw new ApiError('last_sign_in_method', 'the phone is the only way to sign in')
}
