import { describe, expect, it } from 'vitest'
import { newPhone } from '../support/app.ts'
import { startSmsApp } from '../support/sms.ts'

const french = {
  channel: 'sms' as const,
  locale: 'fr',
  region: '',
  purpose: '',
  text: 'Votre code {{app}} : {{code}}',
}

describe('the words of an SMS', () => {
  it('end with the line by which a browser offers the code to its site (WebOTP), after Android’s hash', async () => {
    await using app = await startSmsApp()
    const shop = await app.otherApplication({
      poolId: app.poolId,
      name: 'Shop',
      webOtpHost: 'shop.example.com',
      androidSmsHash: 'FA+9qCX9VSu',
    })
    const phone = newPhone()

    await shop.sendSms('CHANNEL_REGISTER', phone)

    const lines = app.textsOn(phone)[0]?.split('\n') ?? []
    const code = app.codeOn(phone)
    expect(lines.at(-1)).toBe(`@shop.example.com #${code}`)
    expect(lines.at(-2)).toBe('FA+9qCX9VSu')
    expect(lines[0]).toContain(`${code} is your Shop code to sign up.`)
  })

  it('follow x-authing-lang, also to a language that the pool has added', async () => {
    await using app = await startSmsApp()
    await app.app.templates.put(app.poolId, french)
    const textIn = async (lang: string) => {
      const phone = newPhone()
      await app.sendSms('CHANNEL_REGISTER', phone, { headers: { 'x-authing-lang': lang } })
      return app.textsOn(phone)[0]
    }

    expect(await textIn('fr-CA')).toMatch(/^Votre code .+ : \d{6}$/)
    expect(await textIn('zh-CN')).toMatch(/验证码 \d{6},用于注册/)
    expect(await textIn('en-US')).toMatch(/code to sign up/)
    expect(await textIn('tlh')).toMatch(/code to sign up/)
  })

  it('are those of the country and of the purpose, where the pool has them', async () => {
    await using app = await startSmsApp()
    const own = (region: string, purpose: string, text: string) =>
      app.app.templates.put(app.poolId, { channel: 'sms', locale: 'en-US', region, purpose, text })
    await own('GB', '', 'British: {{code}}')
    await own('', 'sign_up', 'Welcome: {{code}}')

    await app.sendSms('CHANNEL_REGISTER', '7400123456', { phoneCountryCode: '+44' })
    await app.sendSms('CHANNEL_REGISTER', '15123456789', { phoneCountryCode: '+49' })

    expect(app.textsOn('+447400123456')[0]).toMatch(/^British: \d{6}$/)
    expect(app.textsOn('+4915123456789')[0]).toMatch(/^Welcome: \d{6}$/)
  })
})
