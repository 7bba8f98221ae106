import type { Application } from './applications/applications.ts'
import type { Config } from './config.ts'
import type { Credentials } from './first-start.ts'

type Start = { config: Config; application: Application; credentials: Credentials; isFirst: boolean }

/** What a person needs to try the main job, ready to paste. In production the secrets only at the first start. */
export const banner = ({ config, application, credentials, isFirst }: Start): string => {
  const { publicUrl, production, inbox, host, port } = config
  const listening = `Dialtone listens on ${host}:${port}; clients reach it at ${publicUrl}`
  const adminPassword = credentials.isAdminPasswordMade
    ? credentials.adminPassword.reveal()
    : 'as DIALTONE_ADMIN_PASSWORD gave it at the first start'
  const secrets = `
  app id           ${application.id}
  app secret       ${application.secret.reveal()}
  app host         ${publicUrl}
  administrator    admin, password: ${adminPassword}
`
  if (production) return isFirst ? `${listening}\n\nShown once:\n${secrets}\n` : `${listening}\n`

  return `
${listening}
${secrets}
  API explorer     ${publicUrl}/explorer
  inbox            ${inbox ? `${publicUrl}/inbox` : 'off (DIALTONE_INBOX=on switches it on)'}
  database         ${config.databaseUrl === undefined ? `embedded, in ${config.dataDir}` : 'PostgreSQL'}

Bind a phone (npm install authing-node-sdk; the code arrives in the inbox):

  import { AuthenticationClient } from 'authing-node-sdk'

  const client = new AuthenticationClient({
    appId: '${application.id}',
    appSecret: '${application.secret.reveal()}',
    appHost: '${publicUrl}',
  })
  await client.signUpByUsernamePassword({ username: 'ada', password: 'correct horse' })
  const { data } = await client.signInByUsernamePassword({ username: 'ada', password: 'correct horse' })
  client.setAccessToken(data.access_token)
  await client.sendSms({ channel: 'CHANNEL_BIND_PHONE', phoneNumber: '18812345678', phoneCountryCode: '+86' })
  const result = await client.bindPhone({ phoneNumber: '18812345678', passCode: '123456', phoneCountryCode: '+86' })
  console.log(JSON.stringify(result))

\`npm run demo\` runs the whole story against this server.
`
}
