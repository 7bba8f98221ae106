// Twilio's calls to its customer: form-encoded, and signed as the page "Webhooks security" says.
import { createHmac } from 'node:crypto'
import { postReceipt } from './delivery.ts'

/** Over the whole URL and, sorted by name, each parameter's name and value, with nothing between them. */
export const signTwilio = (
  authToken: string,
  url: string,
  parameters: Readonly<Record<string, string>>,
): string => {
  const written = Object.keys(parameters)
    .sort()
    .map((name) => `${name}${parameters[name]}`)
  return createHmac('sha1', authToken)
    .update([url, ...written].join(''))
    .digest('base64')
}

export const callBack = (
  authToken: string,
  url: string,
  parameters: Readonly<Record<string, string>>,
): Promise<void> =>
  postReceipt(url, {
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      'user-agent': 'TwilioProxy/1.1',
      'x-twilio-signature': signTwilio(authToken, url, parameters),
    },
    body: new URLSearchParams(parameters).toString(),
  })
