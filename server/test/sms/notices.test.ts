import { describe, expect, it } from 'vitest'
import type { Route } from '../../src/routing/routing.ts'
import { countSegments } from '../../src/templates/templates.ts'
import { newPhone } from '../support/app.ts'
import { linkIn, pressButton } from '../support/notices.ts'
import {
  personWithPhone,
  phoneOf,
  provenChange,
  signInByPhone,
  updatePhone,
} from '../support/phone-changes.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

type Steps = Route['steps']

const toInbox: Route[] = [{ name: 'inbox', serves: {}, steps: [{ provider: 'inbox' }] }]

const start = (given: Parameters<typeof startSmsApp>[0] = {}) => startSmsApp({ ...given, routes: toInbox })

/** Alice changes her phone; codes came to the inbox, and the notice to her old phone goes by these steps. */
const changePhone = async (app: SmsApp, steps: Steps) => {
  const alice = await personWithPhone(app)
  const number = newPhone()
  const token = await provenChange(app, alice, number)
  await app.setRoutes([{ name: 'all', serves: {}, steps }])
  const changed = await updatePhone(app, alice.token, token)
  if (changed.statusCode !== 200) throw new Error(`update-phone was refused: ${changed.message}`)
  return { ...alice, number }
}

/** What became of the notice to a phone. */
const storyOf = async (app: SmsApp, phone: string): Promise<string[]> => {
  await app.emulator.settle()
  return (await app.storiesOf(phone)).at(-1) ?? []
}

const noticeTemplate = { SMS_NOTICE: '$' + '{app}: $' + '{change}. $' + '{link}' }

describe('a notice by SMS', () => {
  it('reaches the old phone, not the new one, with a link that undoes the change', async () => {
    await using app = await start()
    const { phone, number } = await changePhone(app, [{ provider: 'twilio' }])

    await app.app.work()

    const [text = ''] = app.textsOn(phone)
    expect(text).toContain(`was changed from +86*******${phone.slice(-2)} to +86*******${number.slice(-2)}`)
    expect(app.textsOn(number)).toEqual([])
    expect(await storyOf(app, phone)).toEqual([
      'queued',
      'tried twilio',
      'accepted twilio',
      'sent twilio',
      'delivered twilio',
    ])
    await app.setRoutes(toInbox)
    expect((await pressButton(app, linkIn(text))).status).toBe(200)
    expect(await phoneOf(app, await signInByPhone(app, phone))).toBe(phone)
  })

  it('is short, and holds no code', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [{ provider: 'twilio' }])

    await app.app.work()

    const [text = ''] = app.textsOn(phone)
    const words = text.replace(linkIn(text), '')
    expect(countSegments(words)).toMatchObject({ encoding: 'GSM-7', segments: 1 })
    expect(words).not.toMatch(/\d{4,}/)
  })

  it('is delivered by whatever process is there, once', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [{ provider: 'twilio' }])
    const second = await app.secondProcess()

    await Promise.all([second.app.work(), app.app.work()])
    await second.app.work()

    expect(app.textsOn(phone)).toHaveLength(1)
  })

  it('waits for a provider that is away, and is not given up for it', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [{ provider: 'twilio' }])
    app.setFaults({ kind: 'http_500', service: 'twilio', times: 2 })

    await app.app.work()
    await app.app.work()
    expect(app.textsOn(phone)).toEqual([])
    app.clock.advance(31)
    await app.app.work()
    expect(app.textsOn(phone)).toEqual([])
    app.clock.advance(120)
    await app.app.work()

    expect(app.textsOn(phone)).toHaveLength(1)
    const tries = (await storyOf(app, phone)).filter((line) => line.startsWith('tried'))
    expect(tries).toHaveLength(3)
  })

  it('is given up after a day', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [{ provider: 'twilio' }])
    app.setFaults({ kind: 'http_500', service: 'twilio' })
    await app.app.work()

    app.clock.advance(86_401)
    app.setFaults()
    await app.app.work()

    expect(app.textsOn(phone)).toEqual([])
    expect((await app.messagesTo(phone)).at(-1)?.message.state).toBe('failed')
  })

  it('is given up at once where the number does not exist', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [{ provider: 'twilio' }])
    app.setFaults({ kind: 'refuse', service: 'twilio', code: '21211' })

    await app.app.work()

    expect((await app.messagesTo(phone)).at(-1)?.message.state).toBe('failed')
  })

  it('never goes by a template that was made for a code, but by the next step', async () => {
    await using app = await start({ providers: ['aliyun', 'tencent', 'twilio'] })
    const { phone } = await changePhone(app, [
      { provider: 'aliyun' },
      { provider: 'tencent' },
      { provider: 'twilio' },
    ])

    await app.app.work()

    expect(app.servicesOn(phone)).toEqual(['twilio'])
    expect((await storyOf(app, phone)).slice(0, 7)).toEqual([
      'queued',
      'tried aliyun',
      'refused aliyun template_not_approved',
      'tried tencent',
      'refused tencent template_not_approved',
      'tried twilio',
      'accepted twilio',
    ])
  })

  it('goes by an approved template of its own, with application, change and link', async () => {
    const aliyun = {
      accessKeyId: 'LTAIEmulator',
      accessKeySecret: 'aliyun-emulator-secret',
      signNames: ['Dialtone'],
      templates: { SMS_CODE: 'code', ...noticeTemplate },
    }
    await using app = await start({ providers: ['aliyun'], accounts: { aliyun } })
    const { phone } = await changePhone(app, [{ provider: 'aliyun', noticeTemplateId: 'SMS_NOTICE' }])

    await app.app.work()

    const [text = ''] = app.textsOn(phone)
    expect(text).toContain('the phone of your account was changed')
    expect(linkIn(text)).toContain('/account/undo/')
  })

  it('fills an approved template of Tencent in the order that the step’s words give', async () => {
    const tencent = {
      secretId: 'AKIDEmulator',
      secretKey: 'tencent-emulator-secret',
      sdkAppId: '1400000001',
      signNames: ['Dialtone'],
      templates: { '100002': '{1}|{2}|{3}' },
    }
    await using app = await start({ providers: ['tencent'], accounts: { tencent } })
    const { phone } = await changePhone(app, [{ provider: 'tencent', noticeTemplateId: '100002' }])

    await app.app.work()

    const [, change, link] = app.textsOn(phone)[0]?.split('|') ?? []
    expect(change).toContain('was changed from')
    expect(linkIn(link)).toBe(link)
  })

  it('is not spoken: a call holds no link', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [
      { provider: 'twilio', channel: 'voice' },
      { provider: 'twilio', channel: 'sms' },
    ])

    await app.app.work()

    expect(app.emulator.messages(`+86${phone}`).map(({ channel }) => channel)).toEqual(['sms'])
  })

  it('goes by WhatsApp only with a template for notices', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [
      { provider: 'twilio', channel: 'whatsapp' },
      { provider: 'twilio', channel: 'sms' },
    ])

    await app.app.work()

    expect(app.emulator.messages(`+86${phone}`).map(({ channel }) => channel)).toEqual(['sms'])
    expect(await storyOf(app, phone)).toContain('refused twilio template_not_approved')
  })

  it('is not logged as left behind, and the log holds neither number nor link (rule 12)', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [{ provider: 'twilio' }])
    app.setFaults({ kind: 'http_500', service: 'twilio', times: 1 })

    await app.app.work()
    app.clock.advance(31)
    await app.app.work()

    const log = app.lines.join('')
    const [text = ''] = app.textsOn(phone)
    expect(log).toContain('a notice was not delivered')
    expect(log).not.toContain('left behind')
    expect(log).not.toContain(new URL(linkIn(text)).pathname.split('/').at(-1))
  })

  it('is shown to administrators by its kind, without its link', async () => {
    await using app = await start()
    const { phone } = await changePhone(app, [{ provider: 'twilio' }])
    await app.app.work()

    const [shown] = await app.messagesTo(phone).then((all) => all.slice(-1))

    expect(shown?.message).toMatchObject({ purpose: 'phone_changed', channel: 'sms', provider: 'twilio' })
    expect(JSON.stringify(shown)).not.toContain('/account/')
  })
})
