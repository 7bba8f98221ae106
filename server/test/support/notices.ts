// What people are told of changes to their account, and the links that they open.
import type { InboxMessage } from '../../src/inbox/inbox.ts'
import type { TestApp } from './app.ts'

export const e164 = (to: string): string => (to.includes('@') || to.startsWith('+') ? to : `+86${to}`)

/** The notices on a phone or in a mailbox, the newest first. */
export const noticesTo = async (app: Pick<TestApp, 'readInbox'>, to: string): Promise<InboxMessage[]> =>
  (await app.readInbox(e164(to))).filter(({ channel }) => channel.startsWith('NOTICE_'))

export const linkIn = (text: string | undefined): string => {
  const [link] = /https?:\/\/\S+\/account\/(?:undo|stop)\/[\w-]{43}/.exec(text ?? '') ?? []
  if (link === undefined) throw new Error(`no link in: ${text}`)
  return link
}

/** The link of the newest notice of this kind. */
export const linkTo = async (app: Pick<TestApp, 'readInbox'>, to: string, kind: string): Promise<string> => {
  const notices = await noticesTo(app, to)
  return linkIn(notices.find(({ channel }) => channel === `NOTICE_${kind.toUpperCase()}`)?.text)
}

type Page = { status: number; headers: Headers; text: string }

/** The page of a link, on the server of the test; `POST` presses its button. */
export const openLink = async (
  { url }: { url: string },
  link: string,
  options: { method?: 'GET' | 'POST' | 'HEAD'; language?: string } = {},
): Promise<Page> => {
  const { method = 'GET', language = 'en' } = options
  const response = await fetch(`${url}${new URL(link).pathname}`, {
    method,
    headers: {
      'accept-language': language,
      ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    },
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

export const pressButton = (app: { url: string }, link: string): Promise<Page> =>
  openLink(app, link, { method: 'POST' })

/** Signs in by a code that is sent to an address. */
export const signInByEmail = async (app: TestApp, email: string) => {
  await app.sendEmail('CHANNEL_LOGIN', email)
  return app.post('/api/v3/signin', {
    connection: 'PASSCODE',
    passCodePayload: { email, passCode: await app.lastCode(email) },
    client_secret: app.application.secret.reveal(),
  })
}

export const signInByPassword = (app: TestApp, account: string, password = 'correct horse battery') =>
  app.post('/api/v3/signin', {
    connection: 'PASSWORD',
    passwordPayload: { account, password },
    client_secret: app.application.secret.reveal(),
  })
