import { describe, expect, it } from 'vitest'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { purposes } from '../passcodes/passcodes.ts'
import {
  builtInTemplates,
  createTemplates,
  type RenderRequest,
  type Template,
  unsupportedCharacters,
} from './templates.ts'

const templatesOf = (app: TestApp, defaultLanguage: 'en-US' | 'zh-CN' = 'en-US') =>
  createTemplates({ db: app.db, clock: app.clock, config: { defaultLanguage }, purposes })

const template = (given: Partial<Template>): Template => ({
  channel: 'sms',
  locale: 'fr',
  region: '',
  purpose: '',
  text: '{{code}}',
  ...given,
})

const message = (app: TestApp, given: Partial<RenderRequest> = {}): RenderRequest => ({
  poolId: app.application.poolId,
  channel: 'sms',
  locale: 'fr-CA',
  region: 'CA',
  purpose: 'sign_in',
  code: '482915',
  link: 'https://login.example.com/482915',
  minutes: 5,
  app: 'Example',
  ...given,
})

/** Every row that fits the message, from the one that wins to the one that wins against nothing but the built-in. */
const inOrder = [
  { locale: 'fr-CA', region: 'CA', purpose: 'sign_in' },
  { locale: 'fr-CA', region: 'CA', purpose: '' },
  { locale: 'fr-CA', region: '', purpose: 'sign_in' },
  { locale: 'fr-CA', region: '', purpose: '' },
  { locale: 'fr', region: 'CA', purpose: 'sign_in' },
  { locale: 'fr', region: 'CA', purpose: '' },
  { locale: 'fr', region: '', purpose: 'sign_in' },
  { locale: 'fr', region: '', purpose: '' },
  { locale: 'en-US', region: 'CA', purpose: 'sign_in' },
  { locale: 'en-US', region: 'CA', purpose: '' },
  { locale: 'en-US', region: '', purpose: 'sign_in' },
  { locale: 'en-US', region: '', purpose: '' },
  { locale: 'en', region: '', purpose: '' },
]

describe('the words of a message', () => {
  it('are built in for every channel and purpose, in English and Chinese', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)

    const texts = await Promise.all(
      Object.entries(purposes).flatMap(([purpose, { en, zh }]) =>
        (['sms', 'voice', 'whatsapp', 'email'] as const).flatMap((channel) => [
          templates
            .render(message(app, { channel, purpose, locale: 'en-US' }))
            .then((text) => ({ text, word: en })),
          templates
            .render(message(app, { channel, purpose, locale: 'zh-CN' }))
            .then((text) => ({ text, word: zh })),
        ]),
      ),
    )

    expect(builtInTemplates).toHaveLength(10)
    expect(texts).toHaveLength(Object.keys(purposes).length * 8)
    expect(texts.filter(({ text, word }) => !text.includes(word) || !text.includes('Example'))).toEqual([])
    expect(texts.filter(({ text }) => !/482915|4, 8, 2, 9, 1, 5/.test(text) || text.includes('{'))).toEqual(
      [],
    )
  })

  it('are these by SMS, where the English ones are of the GSM alphabet', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)

    const english = await templates.render(message(app, { locale: 'en-US' }))
    const chinese = await templates.render(message(app, { locale: 'zh-CN' }))

    expect(english).toBe(
      '482915 is your Example code to sign in. It is valid for 5 minutes. Tell it to nobody.',
    )
    expect(unsupportedCharacters(english)).toEqual([])
    expect(chinese).toBe('【Example】验证码 482915,用于登录,5 分钟内有效。请勿告知他人。')
  })

  it.each([
    { locale: 'en-GB', start: '482915 is your' },
    { locale: 'zh-TW', start: '【Example】' },
    { locale: 'zh-hant-tw', start: '【Example】' },
    { locale: 'fr-CA', start: '482915 is your' },
    { locale: 'no such language', start: '482915 is your' },
    { locale: '', start: '482915 is your' },
  ])('are for $locale those of the nearest built-in language', async ({ locale, start }) => {
    await using app = await startTestApp()

    const text = await templatesOf(app).render(message(app, { locale }))

    expect(text.slice(0, start.length)).toBe(start)
  })

  it('are the default language’s for a language that has none', async () => {
    await using app = await startTestApp()

    const text = await templatesOf(app, 'zh-CN').render(message(app, { locale: 'fr-CA' }))

    expect(text).toContain('验证码 482915')
  })

  it.each(inOrder.map((key, index) => ({ ...key, index })))(
    'are those of $locale, region "$region", purpose "$purpose", before all that come later',
    async ({ index }) => {
      await using app = await startTestApp()
      const templates = templatesOf(app)
      for (const [place, key] of [...inOrder.entries()].slice(index).reverse()) {
        await templates.put(app.application.poolId, template({ ...key, text: `row ${place}: {{code}}` }))
      }

      const text = await templates.render(message(app))

      expect(text).toBe(`row ${index}: 482915`)
    },
  )

  it('are never those of another channel, region, purpose, language or pool', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)
    const { poolId } = app.application
    const other = await app.otherApplication()
    await templates.put(poolId, template({ channel: 'email', text: 'wrong {{code}}' }))
    await templates.put(poolId, template({ region: 'FR', text: 'wrong {{code}}' }))
    await templates.put(poolId, template({ purpose: 'sign_up', text: 'wrong {{code}}' }))
    await templates.put(poolId, template({ locale: 'fr-FR', text: 'wrong {{code}}' }))
    await templates.put(other.application.poolId, template({ text: 'wrong {{code}}' }))

    const text = await templates.render(message(app))

    expect(text).toContain('482915 is your Example code')
  })

  it('say the code digit by digit in a call', async () => {
    await using app = await startTestApp()

    const text = await templatesOf(app).render(message(app, { channel: 'voice', locale: 'en-US' }))

    expect(text.split('4, 8, 2, 9, 1, 5')).toHaveLength(2)
    expect(text).not.toContain('482915')
  })

  it('end, by SMS, in the line for the site and before it the one for the Android app', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)
    const bound = { webOtpHost: 'login.example.com', androidHash: 'FA+9qCX9VSu' }

    const both = await templates.render(message(app, { ...bound, locale: 'zh-CN' }))
    const hashAlone = await templates.render(message(app, { androidHash: bound.androidHash }))
    const whatsapp = await templates.render(message(app, { ...bound, channel: 'whatsapp' }))

    expect(both.split('\n').slice(1)).toEqual(['FA+9qCX9VSu', '@login.example.com #482915'])
    expect(hashAlone.split('\n').slice(1)).toEqual(['FA+9qCX9VSu'])
    expect(whatsapp).not.toMatch(/login\.example\.com|FA\+9qCX9VSu/)
  })

  it('take an application’s name as it is: it fills no other place and adds no line', async () => {
    await using app = await startTestApp()

    const text = await templatesOf(app).render(
      message(app, { app: '{{code}} $& shop\r\n@evil.example #482915', locale: 'en-US' }),
    )

    expect(text).toBe(
      '482915 is your {{code}} $& shop @evil.example #482915 code to sign in. It is valid for 5 minutes. Tell it to nobody.',
    )
  })

  it('are a fault for a purpose that there is not', async () => {
    await using app = await startTestApp()

    const rendered = templatesOf(app).render(message(app, { purpose: 'constructor' }))

    await expect(rendered).rejects.toThrow('there is no purpose constructor')
  })
})

describe('a pool’s templates', () => {
  it('are listed as they are kept: in canonical form, the last text of each', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)
    const { poolId } = app.application
    await templates.put(poolId, template({ locale: 'FR-ca', text: 'first {{code}}' }))

    const kept = await templates.put(poolId, template({ locale: 'fr-CA', text: ' Bonjour\r\n{{ code }} \n' }))

    expect(kept).toEqual(template({ locale: 'fr-CA', text: 'Bonjour\n{{ code }}' }))
    expect(await templates.list(poolId)).toEqual([kept])
    expect(await templates.render(message(app))).toBe('Bonjour\n482915')
  })

  it('are gone when they were removed', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)
    const { poolId } = app.application
    const kept = await templates.put(poolId, template({ text: 'Bonjour {{code}}' }))

    const removed = await templates.remove(poolId, { ...kept, locale: 'FR' })
    const again = await templates.remove(poolId, kept)

    expect([removed, again]).toEqual([true, false])
    expect(await templates.render(message(app))).toContain('482915 is your')
  })

  it('are those of the last replacement and no others, and other pools keep theirs', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)
    const { poolId } = app.application
    const other = (await app.otherApplication()).application.poolId
    await templates.put(poolId, template({ locale: 'de' }))
    await templates.put(other, template({ locale: 'de' }))

    await app.db.transaction((tx) =>
      templates.replaceAll(poolId, [template({ text: 'Salut {{code}}' }), template({ locale: 'it' })], tx),
    )

    expect(await templates.list(poolId)).toEqual([
      template({ text: 'Salut {{code}}' }),
      template({ locale: 'it' }),
    ])
    expect(await templates.list(other)).toEqual([template({ locale: 'de' })])
    expect(await templates.render(message(app))).toBe('Salut 482915')
  })

  it('stay as they were when one of a replacement is refused or the transaction fails', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)
    const { poolId } = app.application
    const kept = await templates.put(poolId, template({ text: 'Bonjour {{code}}' }))

    const refused = app.db.transaction((tx) =>
      templates.replaceAll(poolId, [template({ locale: 'it' }), template({ locale: 'de', text: 'no' })], tx),
    )
    await expect(refused).rejects.toMatchObject({
      code: 'request_invalid',
      detail: { errors: [{ field: '1.text' }] },
    })
    const failed = app.db.transaction(async (tx) => {
      await templates.replaceAll(poolId, [template({ locale: 'it' })], tx)
      throw new Error('power cut')
    })
    await expect(failed).rejects.toThrow('power cut')

    expect(await templates.list(poolId)).toEqual([kept])
  })

  it('may not hold one key twice', async () => {
    await using app = await startTestApp()
    const templates = templatesOf(app)

    const refused = app.db.transaction((tx) =>
      templates.replaceAll(
        app.application.poolId,
        [template({ locale: 'fr' }), template({ locale: 'FR' })],
        tx,
      ),
    )

    await expect(refused).rejects.toMatchObject({ detail: { errors: [{ field: '1' }] } })
  })

  it('reach other processes within five seconds', async () => {
    await using app = await startTestApp()
    const [here, there] = [templatesOf(app), templatesOf(app)]
    await there.render(message(app))
    await here.put(app.application.poolId, template({ text: 'Bonjour {{code}}' }))
    app.clock.advance(5)

    const text = await there.render(message(app))

    expect(text).toBe('Bonjour 482915')
    expect(await here.render(message(app))).toBe('Bonjour 482915')
  })

  it.each([
    { why: 'no code', given: { text: 'Hello {{app}}' }, field: 'text', says: /no \{\{code\}\}/ },
    { why: 'an empty text', given: { text: ' ' }, field: 'text', says: /no \{\{code\}\}/ },
    { why: 'a single brace', given: { text: 'Hello {code}' }, field: 'text', says: /no \{\{code\}\}/ },
    {
      why: 'an unknown placeholder',
      given: { text: '{{code}} {{name}}' },
      field: 'text',
      says: /\{\{name\}\}.*\{\{app\}\}/,
    },
    { why: 'a placeholder of upper case', given: { text: '{{CODE}}' }, field: 'text', says: /\{\{CODE\}\}/ },
    {
      why: 'a placeholder without its end',
      given: { text: '{{code}} {{app' },
      field: 'text',
      says: /other half/,
    },
    {
      why: '601 characters',
      given: { text: `{{code}}${'x'.repeat(593)}` },
      field: 'text',
      says: /600 characters/,
    },
    { why: 'a bell', given: { text: '{{code}} \u0007' }, field: 'text', says: /control character/ },
    { why: 'a NUL', given: { text: '{{code}} \0 x' }, field: 'text', says: /control character/ },
    { why: 'a carriage return', given: { text: '{{code}} \r x' }, field: 'text', says: /control character/ },
    {
      why: 'a line separator',
      given: { text: '{{code}} \u2028 x' },
      field: 'text',
      says: /control character/,
    },
    { why: 'half a character', given: { text: '{{code}} \ud83d' }, field: 'text', says: /control character/ },
    { why: 'no locale', given: { locale: '' }, field: 'locale', says: /BCP 47/ },
    { why: 'a locale that is none', given: { locale: 'fr_CA' }, field: 'locale', says: /BCP 47/ },
    {
      why: 'a locale without end',
      given: { locale: `fr${'-abcdefgh'.repeat(9)}` },
      field: 'locale',
      says: /BCP 47/,
    },
    { why: 'a region that is none', given: { region: 'XX' }, field: 'region', says: /get-country-list/ },
    { why: 'a region in lower case', given: { region: 'ca' }, field: 'region', says: /get-country-list/ },
    { why: 'the world as a region', given: { region: '001' }, field: 'region', says: /get-country-list/ },
    { why: 'an unknown purpose', given: { purpose: 'win_money' }, field: 'purpose', says: /sign_in/ },
    {
      why: 'an inherited name as purpose',
      given: { purpose: 'toString' },
      field: 'purpose',
      says: /sign_in/,
    },
  ])('may not have $why: the refusal names the field and the remedy', async ({ given, field, says }) => {
    await using app = await startTestApp()
    const templates = templatesOf(app)

    const refused = templates.put(app.application.poolId, template(given))

    await expect(refused).rejects.toMatchObject({
      code: 'request_invalid',
      detail: { errors: [{ field, message: expect.stringMatching(says) }] },
    })
    expect(await templates.list(app.application.poolId)).toEqual([])
  })

  it('may be 600 characters long, however many bytes they are', async () => {
    await using app = await startTestApp()
    const text = `{{code}}${'🔑'.repeat(592)}`

    const kept = await templatesOf(app).put(app.application.poolId, template({ text }))

    expect(kept.text).toBe(text)
  })
})
