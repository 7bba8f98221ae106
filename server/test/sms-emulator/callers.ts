// Customers of Twilio and Vonage, written from the services' documentation.
import { randomUUID } from 'node:crypto'
import { importPKCS8, SignJWT } from 'jose'
import type { Emulator } from '../../../sms-emulator/src/emulator.ts'

// biome-ignore lint/suspicious/noExplicitAny: a test reads the wire as it comes
export type Answer = { status: number; text: string; json: any }

export const phone = '+447700900123'
export const otherPhone = '+447700900124'

const read = async (response: Response): Promise<Answer> => {
  const text = await response.text()
  return { status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
}

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

export const callTwilio = async (
  emulator: Emulator,
  path: string,
  given: { form?: Record<string, string>; authorization?: string } = {},
): Promise<Answer> => {
  const { accountSid, authToken } = emulator.accounts.twilio
  return read(
    await fetch(`${emulator.url}${path.replace('{account}', `/2010-04-01/Accounts/${accountSid}`)}`, {
      method: given.form === undefined ? 'GET' : 'POST',
      headers: { authorization: given.authorization ?? basic(accountSid, authToken) },
      ...(given.form === undefined ? {} : { body: new URLSearchParams(given.form) }),
    }),
  )
}

export const sendTwilio = (emulator: Emulator, form: Record<string, string> = {}): Promise<Answer> =>
  callTwilio(emulator, '{account}/Messages.json', {
    form: { From: '+15005550006', To: phone, Body: 'Your code is 135790.', ...form },
  })

type Token = {
  applicationId?: string
  privateKey?: string
  jti?: string
  issuedAt?: number
  expiresAt?: number
}

export const vonageToken = async (emulator: Emulator, given: Token = {}): Promise<string> => {
  const { applicationId, privateKey } = emulator.accounts.vonage
  const now = Math.floor(Date.now() / 1000)
  const token = new SignJWT({ application_id: given.applicationId ?? applicationId })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuedAt(given.issuedAt ?? now)
    .setJti(given.jti ?? randomUUID())
    .setExpirationTime(given.expiresAt ?? now + 300)
  return token.sign(await importPKCS8(given.privateKey ?? privateKey, 'RS256'))
}

export const sendVonage = async (
  emulator: Emulator,
  message: Record<string, unknown> = {},
  token?: string,
): Promise<Answer> =>
  read(
    await fetch(`${emulator.url}/v1/messages`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token ?? (await vonageToken(emulator))}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        message_type: 'text',
        channel: 'sms',
        to: phone.slice(1),
        from: 'Dialtone',
        text: 'Your code is 135790.',
        ...message,
      }),
    }),
  )

/** The statuses that callbacks of Twilio report, in the order in which they came. */
export const twilioStatuses = (calls: readonly { body: Buffer }[]): (string | null)[] =>
  calls.map(({ body }) => new URLSearchParams(body.toString()).get('MessageStatus'))
