// Sessions as the user sees them: the devices that are signed in, the applications, and the sign-ins that were tried.
// A device is a session: its id is the session's.
//
// What must stay true: a user sees and ends only what is the own; the tokens of a session that is ended here are
// refused at once (rule 25); what a user agent claims decides nothing.
import { ApiError } from '../api-codes.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import type { Database } from '../core/database.ts'
import type { Page } from '../core/paging.ts'
import {
  type ApplicationRow,
  countSignIns,
  type DeviceRow,
  endDevice,
  type SignInFilter,
  type SignInRow,
  selectApplicationsOf,
  selectDevices,
  selectSignIns,
} from './devices-store.ts'
import type { TokenSubject } from './store.ts'

export type { ApplicationRow, DeviceRow, SignInFilter, SignInRow } from './devices-store.ts'

export type EndDevice = {
  token: TokenSubject & { applicationId: string }
  deviceId: string
  ip: string
  /** Whether it leaves the list too. */
  removed: boolean
}

export const createDevices = ({ db, audit, clock }: { db: Database; audit: Audit; clock: Clock }) => ({
  /** The newest first. */
  list: (token: TokenSubject, page: Page): Promise<DeviceRow[]> =>
    selectDevices(db, token, { page, now: clock.now() }),

  /**
   * Ends the session of a device of the user, the caller's own too. One that has ended can still leave the list.
   * @throws ApiError factor_not_found: unknown, another user's, or removed before
   */
  end: async ({ token, deviceId, ip, removed }: EndDevice): Promise<void> => {
    const { poolId, userId, applicationId } = token
    const isOwn = deviceId.toLowerCase() === token.sessionId
    const reason = isOwn ? 'signed_out' : removed ? 'device_removed' : 'device_signed_out'
    const event = { type: 'session.ended' as const, userId, applicationId, ip, detail: { reason } }
    const isKnown =
      isId(deviceId) &&
      (await endDevice(db, token, {
        sessionId: deviceId,
        removed,
        reason,
        now: clock.now(),
        recordFrom: (source) => audit.recordFrom(source, poolId, event),
      }))
    if (!isKnown) throw new ApiError('factor_not_found', 'no such device of the user')
  },

  /** All applications of the pool: each takes every user of it. */
  applications: (token: TokenSubject): Promise<ApplicationRow[]> =>
    selectApplicationsOf(db, token, clock.now()),

  /** The sign-ins of the user, the refused ones too, the newest first. */
  signIns: async (
    token: TokenSubject,
    given: { filter: SignInFilter; page: Page },
  ): Promise<{ totalCount: number; rows: SignInRow[] }> => ({
    totalCount: await countSignIns(db, token, given.filter),
    rows: await selectSignIns(db, token, given),
  }),
})

export type Devices = ReturnType<typeof createDevices>

/** PostgreSQL refuses any other text where an id stands. */
const isId = (text: string): boolean =>
  /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(text)
