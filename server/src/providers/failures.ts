// Why a message did not go: one row a reason. Each provider maps its own error codes to these names; the words are
// what an administrator reads, and say what to do.

type FailureRow = {
  about: string
  /** Whether another provider may succeed where this one failed. */
  tryNext: boolean
  /** Whether it tells of the provider itself, so that its circuit breaker counts it. */
  breaks: boolean
}

export const failures = {
  timeout: { about: 'The provider did not answer in time.', tryNext: true, breaks: true },
  connection_failed: { about: 'The provider could not be reached.', tryNext: true, breaks: true },
  provider_fault: {
    about: 'The provider had a fault of its own, or answered something that it does not document.',
    tryNext: true,
    breaks: true,
  },
  throttled: { about: 'The provider takes no more messages for now.', tryNext: true, breaks: true },
  credentials_invalid: {
    about: 'The provider does not accept the credentials: check them under SMS providers.',
    tryNext: true,
    breaks: true,
  },
  balance_exhausted: {
    about: 'The account at the provider has no money left: top it up.',
    tryNext: true,
    breaks: true,
  },
  account_suspended: {
    about: 'The provider has suspended the account: ask the provider.',
    tryNext: true,
    breaks: true,
  },
  service_not_enabled: {
    about: 'The service is not switched on in the account at the provider.',
    tryNext: true,
    breaks: true,
  },
  geo_permission_missing: {
    about: 'Geo permission missing: the account may not send to this country; switch it on at the provider.',
    tryNext: true,
    breaks: false,
  },
  sender_not_approved: {
    about: 'The sender id, number or signature is not approved for this country.',
    tryNext: true,
    breaks: false,
  },
  template_not_approved: {
    about:
      'Template not approved: it is unknown to the provider, not yet reviewed, or does not fit its parameters.',
    tryNext: true,
    breaks: false,
  },
  content_rejected: {
    about: 'The provider or carrier rejected the text of the message.',
    tryNext: true,
    breaks: false,
  },
  request_rejected: {
    about: 'The provider rejected the request as it was sent: see its own code.',
    tryNext: true,
    breaks: false,
  },
  number_limit_reached: {
    about: 'The provider sends no more messages to this number for now.',
    tryNext: true,
    breaks: false,
  },
  blocked_by_carrier: { about: 'Blocked by carrier.', tryNext: true, breaks: false },
  blocked_by_provider: {
    about: 'Blocked by the provider’s own fraud protection or block list.',
    tryNext: true,
    breaks: false,
  },
  number_invalid: { about: 'The number does not exist.', tryNext: false, breaks: false },
  number_unreachable: {
    about: 'The phone is switched off or out of reach.',
    tryNext: true,
    breaks: false,
  },
  number_cannot_receive: {
    about: 'The number cannot receive this kind of message: a landline, or no such app on the phone.',
    tryNext: true,
    breaks: false,
  },
  number_opted_out: {
    about: 'The person asked the provider for no more messages.',
    tryNext: true,
    breaks: false,
  },
  expired: { about: 'The message was not delivered within its time.', tryNext: true, breaks: false },
  unknown: {
    about: 'Not delivered, and the provider does not say why.',
    tryNext: true,
    breaks: false,
  },
} as const satisfies Record<string, FailureRow>

export type FailureReason = keyof typeof failures

/** A provider's own codes and what they mean; a code that is not listed means `otherwise`. */
export type FailureCodes = Readonly<Record<string, FailureReason>>
