import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { startSmsApp } from '../support/sms.ts'

const path = '/console/api/sms/templates'
const french = { channel: 'sms', locale: 'fr', text: 'Votre code : {{code}}' }

describe('the templates', () => {
  it('are set as a whole, beside the built-in ones', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const put = await calls.put(path, {
      templates: [french, { ...french, region: 'CA', purpose: 'sign_in' }],
    })
    const one = await calls.put(path, { templates: [french] })

    expect(put.body.templates).toMatchObject([
      { region: '', purpose: '' },
      { region: 'CA', purpose: 'sign_in' },
    ])
    expect(put.body.builtIn).toHaveLength(10)
    expect(one.body.templates).toEqual([{ ...french, region: '', purpose: '' }])
    expect((await calls.get(path)).body).toEqual(one.body)
  })

  it('are refused with every fault named, and stay as they were', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(path, { templates: [french] })

    const refused = await calls.put(path, {
      templates: [{ ...french, text: 'no code' }, { ...french, locale: '!' }, french, french],
    })

    expect(refused.status).toBe(400)
    const fields = refused.body.data.errors.map(({ field }: { field: string }) => field)
    expect(fields).toEqual(['templates.0.text', 'templates.1.locale', 'templates.3'])
    expect((await calls.get(path)).body.templates).toHaveLength(1)
  })
})

describe('a preview of a template', () => {
  it('shows the text with the lines that the application adds, its segments, and what they cost', async () => {
    await using app = await startSmsApp({
      routes: [{ name: 'all', serves: {}, steps: [{ provider: 'twilio', price: '0.0079' }] }],
    })
    const calls = await consoleOf(app)
    await calls.put(`/console/api/sms/applications/${app.application.id}`, {
      webOtpHost: 'login.example.com',
    })

    const { status, body } = await calls.post(`${path}/preview`, {
      channel: 'sms',
      locale: 'fr',
      text: `Votre code ’ {{code}} ${'x'.repeat(60)}`,
    })

    expect(status).toBe(200)
    expect(body).toMatchObject({
      encoding: 'UCS-2',
      segments: 2,
      unsupportedCharacters: ['’'],
      costs: [{ route: 'all', provider: 'twilio', amount: '0.0158', currency: 'USD' }],
    })
    expect(body.text.split('\n').at(-1)).toBe('@login.example.com #123456')
  })

  it('shows the template that the pool has, where no text is given', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(path, { templates: [french] })

    const own = await calls.post(`${path}/preview`, { channel: 'sms', locale: 'fr-CA' })
    const spoken = await calls.post(`${path}/preview`, { channel: 'voice', locale: 'en-US' })

    expect(own.body).toMatchObject({ text: 'Votre code : 123456', encoding: 'GSM-7', segments: 1, costs: [] })
    expect(spoken.body.text).toContain('1, 2, 3, 4, 5, 6')
    expect(spoken.body.segments).toBeUndefined()
  })

  it.each([
    { text: `{{code}} ${'x'.repeat(96)}`, bytes: 140, fits: true },
    { text: `{{code}} ${'x'.repeat(97)}`, bytes: 141, fits: false },
    // Each of these has three bytes in UTF-8.
    { text: `{{code}} ${'验'.repeat(33)}`, bytes: 143, fits: false },
  ])(
    'tells whether it is short enough for an Android app to get it by its hash: $bytes bytes',
    async ({ text, bytes, fits }) => {
      await using app = await startTestApp()
      const calls = await consoleOf(app)
      const settings = { webOtpHost: 'app.example.com', androidSmsHash: 'FA+9qCX9VSu' }
      await calls.put(`/console/api/sms/applications/${app.application.id}`, settings)

      const { body } = await calls.post(`${path}/preview`, { channel: 'sms', locale: 'en-US', text })

      expect(body).toMatchObject({ bytes, fitsAndroid: fits })
      expect(Buffer.byteLength(body.text)).toBe(bytes)
    },
  )

  it('says nothing of Android where the application has no hash, and no bytes of what is no SMS', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const sms = await calls.post(`${path}/preview`, { channel: 'sms', locale: 'en-US' })
    const spoken = await calls.post(`${path}/preview`, { channel: 'voice', locale: 'en-US' })

    expect(sms.body.bytes).toBe(sms.body.text.length)
    expect(sms.body).not.toHaveProperty('fitsAndroid')
    expect(spoken.body).not.toHaveProperty('bytes')
  })

  it('is refused for a text without a code, and an application of nobody', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const preview = (given: object) =>
      calls.post(`${path}/preview`, { channel: 'sms', locale: 'fr', ...given })

    expect(await preview({ text: 'no code' })).toMatchObject({
      status: 400,
      body: { data: { errors: [{ field: 'text' }] } },
    })
    expect(await preview({ applicationId: 'nobody' })).toMatchObject({ status: 404 })
  })
})
