// Why a letter did not go: one row a reason, with the words that an administrator reads.

type FailureRow = {
  about: string
  /** Whether the same letter may go later. */
  retry: boolean
}

export const mailFailures = {
  not_configured: { about: 'The pool has no mail server: set one under Mail.', retry: true },
  timeout: { about: 'The mail server did not answer in time.', retry: true },
  connection_failed: {
    about: 'The mail server could not be reached, or closed the connection: check host and port.',
    retry: true,
  },
  tls_failed: {
    about:
      'No secure connection: the server does not speak the kind of TLS that security names, or its certificate is not trusted or names another host.',
    retry: true,
  },
  // It tells of the settings and not of the letter, which goes once they are mended.
  login_refused: {
    about: 'The mail server does not accept the username and password: give them again.',
    retry: true,
  },
  refused_for_now: { about: 'The mail server takes the letter later, as it says.', retry: true },
  recipient_refused: {
    about: 'The mail server knows no such recipient, or sends nothing there.',
    retry: false,
  },
  letter_refused: {
    about: 'The mail server refused the letter or its sender: check whether it may send in the name of from.',
    retry: false,
  },
} as const satisfies Record<string, FailureRow>

export type MailFailure = keyof typeof mailFailures
