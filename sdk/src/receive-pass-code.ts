// WebOTP (https://wicg.github.io/web-otp/): a browser on a phone hands a page the code of an SMS that names its host.

type OtpCredentials = {
  get(options: { otp: { transport: ['sms'] }; signal?: AbortSignal }): Promise<{ code?: string } | null>
}

const credentialsOf = (scope: object): OtpCredentials | undefined => {
  if (!('OTPCredential' in scope)) return undefined
  return (scope as { navigator?: { credentials?: OtpCredentials } }).navigator?.credentials
}

/** Whether this browser knows WebOTP. One on a desk may, and still have no phone to receive an SMS with. */
export const canReceivePassCode = (): boolean => credentialsOf(globalThis) !== undefined

/**
 * Waits for the SMS. To be called before it is sent; the server's messages end with the line that browsers look for
 * (`@host #code`) where the application has a web host.
 * @param options.signal ends the wait: to be aborted when the person types the code, or leaves
 * @returns the code; undefined where the browser cannot, or the person declines
 * @throws the signal's reason
 */
export const receivePassCode = async ({
  signal,
}: {
  signal?: AbortSignal
} = {}): Promise<string | undefined> => {
  signal?.throwIfAborted()
  const credentials = credentialsOf(globalThis)
  if (credentials === undefined) return undefined
  // Declined, or not allowed in this frame: there is still the field to type in.
  const received = await credentials
    .get({ otp: { transport: ['sms'] }, ...(signal && { signal }) })
    .catch(() => undefined)
  // A code that came in the very moment of the end is not wanted any more.
  signal?.throwIfAborted()
  return received?.code
}
