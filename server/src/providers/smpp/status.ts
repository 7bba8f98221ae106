// What an SMPP server's command_status means (SMPP 3.4, table 5-2; those from 0x0100 are of SMPP 5.0, table 4-45).
import type { FailureReason } from '../failures.ts'

type StatusRow = { code: number; reason: FailureReason }

export const statuses = {
  ESME_RINVMSGLEN: { code: 0x01, reason: 'content_rejected' },
  ESME_RINVCMDLEN: { code: 0x02, reason: 'request_rejected' },
  ESME_RINVCMDID: { code: 0x03, reason: 'request_rejected' },
  ESME_RINVBNDSTS: { code: 0x04, reason: 'provider_fault' },
  // Another connection holds the account's bind.
  ESME_RALYBND: { code: 0x05, reason: 'provider_fault' },
  ESME_RINVPRTFLG: { code: 0x06, reason: 'request_rejected' },
  ESME_RINVREGDLVFLG: { code: 0x07, reason: 'request_rejected' },
  ESME_RSYSERR: { code: 0x08, reason: 'provider_fault' },
  ESME_RINVSRCADR: { code: 0x0a, reason: 'sender_not_approved' },
  ESME_RINVDSTADR: { code: 0x0b, reason: 'number_invalid' },
  ESME_RINVMSGID: { code: 0x0c, reason: 'request_rejected' },
  ESME_RBINDFAIL: { code: 0x0d, reason: 'credentials_invalid' },
  ESME_RINVPASWD: { code: 0x0e, reason: 'credentials_invalid' },
  ESME_RINVSYSID: { code: 0x0f, reason: 'credentials_invalid' },
  ESME_RMSGQFUL: { code: 0x14, reason: 'throttled' },
  ESME_RINVSERTYP: { code: 0x15, reason: 'request_rejected' },
  ESME_RINVESMCLASS: { code: 0x43, reason: 'request_rejected' },
  ESME_RSUBMITFAIL: { code: 0x45, reason: 'request_rejected' },
  ESME_RINVSRCTON: { code: 0x48, reason: 'sender_not_approved' },
  ESME_RINVSRCNPI: { code: 0x49, reason: 'sender_not_approved' },
  ESME_RINVDSTTON: { code: 0x50, reason: 'request_rejected' },
  ESME_RINVDSTNPI: { code: 0x51, reason: 'request_rejected' },
  ESME_RINVSYSTYP: { code: 0x53, reason: 'credentials_invalid' },
  ESME_RTHROTTLED: { code: 0x58, reason: 'throttled' },
  ESME_RINVEXPIRY: { code: 0x62, reason: 'request_rejected' },
  ESME_RX_T_APPN: { code: 0x64, reason: 'provider_fault' },
  ESME_RX_P_APPN: { code: 0x65, reason: 'request_rejected' },
  ESME_RX_R_APPN: { code: 0x66, reason: 'request_rejected' },
  ESME_RINVOPTPARAMVAL: { code: 0xc4, reason: 'request_rejected' },
  ESME_RDELIVERYFAILURE: { code: 0xfe, reason: 'unknown' },
  ESME_RUNKNOWNERR: { code: 0xff, reason: 'provider_fault' },
  ESME_RSERTYPUNAUTH: { code: 0x100, reason: 'service_not_enabled' },
  ESME_RPROHIBITED: { code: 0x101, reason: 'blocked_by_provider' },
  ESME_RSERTYPUNAVAIL: { code: 0x102, reason: 'service_not_enabled' },
  ESME_RSERTYPDENIED: { code: 0x103, reason: 'service_not_enabled' },
  ESME_RINVDCS: { code: 0x104, reason: 'content_rejected' },
} as const satisfies Record<string, StatusRow>

const named = new Map<number, { name: string; reason: FailureReason }>(
  Object.entries(statuses).map(([name, { code, reason }]) => [code, { name, reason }]),
)

/**
 * The status as the timeline shows it (`ESME_RTHROTTLED`, or `0x00000403` for one of the server's own) and why.
 * `own` are the meanings that the operator documents.
 */
export const readStatus = (
  status: number,
  own: Readonly<Record<string, FailureReason>> = {},
): { code: string; reason: FailureReason } => {
  const row = named.get(status)
  const hex = `0x${status.toString(16).padStart(8, '0')}`
  const code = row?.name ?? hex
  const documented = Object.hasOwn(own, code) ? own[code] : Object.hasOwn(own, hex) ? own[hex] : undefined
  return { code, reason: documented ?? row?.reason ?? 'request_rejected' }
}
