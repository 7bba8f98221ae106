import { Type } from 'typebox'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { Inbox } from './inbox.ts'
import { readInboxPage } from './page.ts'

const Messages = Type.Object({
  messages: Type.Array(
    Type.Object({
      id: Type.String(),
      to: Type.String({ description: 'E.164 or an email address.', examples: ['+8618812345678'] }),
      text: Type.String(),
      passCode: Type.String({ description: 'Empty in a notice.', examples: ['123456'] }),
      channel: Type.String({
        description: 'What the code is for; or NOTICE_ and what the notice tells of.',
        examples: ['CHANNEL_BIND_PHONE'],
      }),
      createdAt: Type.String({ description: 'ISO 8601, UTC.' }),
    }),
  ),
})

/** A recipient as a person or a program writes it: `+` often arrives as a space, which is what it means in a URL. */
const recipientOf = (to: string | undefined): string | undefined => {
  const text = to?.trim() ?? ''
  if (text === '') return undefined
  return text.includes('@') ? text.toLowerCase() : `+${text.replace(/\D/g, '')}`
}

export const inboxRoutes = (http: Http, inbox: Inbox): void => {
  http.get(
    '/inbox/messages',
    {
      config: { access: 'public', limit: unlimited('exists only where the settings switch the inbox on') },
      schema: {
        operationId: 'inboxMessages',
        tags: ['Inbox'],
        summary: 'The messages of the built-in inbox, newest first',
        querystring: Type.Object({
          to: Type.Optional(
            Type.String({ maxLength: 300, description: 'E.164 (%2B86…) or an email address.' }),
          ),
        }),
        response: { 200: Messages },
      },
    },
    async ({ query }, reply) => {
      reply.header('cache-control', 'no-store')
      return { messages: await inbox.list(recipientOf(query.to)) }
    },
  )

  for (const { path, headers, body } of readInboxPage()) {
    http.get(
      path,
      { config: { access: 'public', limit: unlimited('a static page') }, schema: { hide: true } },
      async (_request, reply) => reply.headers(headers).send(body),
    )
  }
}
