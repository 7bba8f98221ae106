import type { Application } from './applications/applications.ts'
import type { Config } from './config.ts'
import type { Secret } from './core/secret.ts'

type Start = {
  config: Config
  application: Application
  /** Undefined: the settings gave it, or another machine made it. */
  adminPassword: Secret | undefined
  isFirst: boolean
}

/** What a person needs to try the main job, ready to paste. In production the secrets only at the first start. */
export const banner = ({ config, application, adminPassword, isFirst }: Start): string => {
  const { publicUrl, production, inbox, host, port } = config
  const listening = `Dialtone listens on ${host}:${port}; clients reach it at ${publicUrl}`
  const appSecret = application.secret.reveal()
  const secrets = `
  app id           ${application.id}
  app secret       ${appSecret}
  app host         ${publicUrl}
  administrator    admin, password: ${adminPassword?.reveal() ?? 'as it was set at the first start'}
`
  if (production) return isFirst ? `${listening}\n\nShown once:\n${secrets}\n` : `${listening}\n`

  return `
${listening}
${secrets}
  API explorer     ${publicUrl}/explorer
  documentation    ${publicUrl}/docs
  inbox            ${inbox ? `${publicUrl}/inbox` : 'off (DIALTONE_INBOX=on switches it on)'}
  database         ${config.databaseUrl === undefined ? `embedded, in ${config.dataDir}` : 'PostgreSQL'}

Bind a phone (${inbox ? 'a program to paste' : 'with the code of the message'}; first: npm install authing-node-sdk):
${indent(program({ appId: application.id, appSecret, appHost: publicUrl, inbox }))}
\`npm run demo\` runs the whole story against this server.
`
}

type Program = { appId: string; appSecret: string; appHost: string; inbox: boolean }

const program = ({ appId, appSecret, appHost, inbox }: Program): string => `
import { AuthenticationClient } from 'authing-node-sdk'

const client = new AuthenticationClient({
  appId: '${appId}',
  appSecret: '${appSecret}',
  appHost: '${appHost}',
})
await client.signUpByUsernamePassword({ username: 'ada', password: 'correct horse' })
const { data } = await client.signInByUsernamePassword({ username: 'ada', password: 'correct horse' })
client.setAccessToken(data.access_token)
await client.sendSms({ channel: 'CHANNEL_BIND_PHONE', phoneNumber: '18812345678', phoneCountryCode: '+86' })
${
  inbox
    ? `const inbox = await fetch('${appHost}/inbox/messages?to=%2B8618812345678')
const passCode = (await inbox.json()).messages[0].passCode`
    : `const passCode = '123456'`
}
const result = await client.bindPhone({ phoneNumber: '18812345678', passCode, phoneCountryCode: '+86' })
console.log(JSON.stringify(result))
`

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ')
