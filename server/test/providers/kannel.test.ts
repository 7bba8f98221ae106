// Against software that we did not write: Kannel, an SMS gateway that operators run.
import { describe, expect, it } from 'vitest'
import { startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { connectProvider, type OutgoingMessage, type Provider } from '../../src/providers/providers.ts'
import { hasKannel, kannelUser, startKannel } from '../support/kannel.ts'
import { outgoing, phoneOf, providerDeps } from '../support/outgoing.ts'
import { receiveReceipts } from '../support/receipts.ts'

const phone = phoneOf('+8618812345678')

const message = (given: Partial<OutgoingMessage>): OutgoingMessage =>
  outgoing({ to: phone, region: 'CN', from: 'Dialtone', ...given })

/** As docs/guides/providers/generic.md shows it for Kannel. */
const connectKannel = (sendUrl: string, password = kannelUser.password): Provider =>
  connectProvider(
    'generic',
    {
      method: 'GET',
      url: [
        `${sendUrl}?username=${kannelUser.username}&password={{secret.password}}`,
        'to={{to}}&from={{from}}&text={{text}}&charset=utf-8&coding=0',
        'dlr-mask=31&dlr-url={{receiptUrl}}%3Fid%3D{{id}}%26state%3D%25d',
      ].join('&'),
      secrets: { password },
      success: { statuses: [202] },
      receipts: {
        id: { query: 'id' },
        state: { query: 'state' },
        delivered: ['1'],
        failed: ['2', '16'],
      },
    },
    providerDeps(),
  )

describe.skipIf(!hasKannel)('with a Kannel gateway', () => {
  it('the generic provider sends a text, and reads its delivery reports', async () => {
    const kannel = await startKannel()
    await using receipts = await receiveReceipts()
    const provider = connectKannel(kannel.sendUrl)
    const sent = message({ text: 'Your code is 482913.', receiptUrl: receipts.url })

    const outcome = await provider.send(sent, AbortSignal.timeout(60_000))

    expect(outcome).toEqual({ outcome: 'accepted', providerMessageId: sent.id })
    // Kannel reports each state by a call of its own, and not always in their order.
    const calls = [await receipts.next(), await receipts.next()]
    const read = await Promise.all(calls.map((call) => provider.readReceipts?.(call)))
    const states = read.flatMap((reply) => reply?.receipts ?? []).map(({ state }) => state)
    expect(states.sort()).toEqual(['delivered', 'sent'])
    await expect
      .poll(() => kannel.delivered())
      .toEqual(['<Dialtone +8618812345678 text Your code is 482913.>'])
  })

  it('a password that it does not know is a refusal for the credentials', async () => {
    const kannel = await startKannel()
    const provider = connectKannel(kannel.sendUrl, 'wrong')

    const outcome = await provider.send(message({}), AbortSignal.timeout(60_000))

    expect(outcome).toEqual({ outcome: 'refused', reason: 'credentials_invalid', code: 'http 403' })
  })

  it.each([
    ['GSM', 'Your code is 482913 {€}.', 0],
    ['Chinese', '【示例】验证码 482913 🔐', 2],
    ['long', `482913 ${'码'.repeat(150)}`, 2],
  ])('as an independent client it sends a %s text to the emulator’s SMPP server', async (_, text, coding) => {
    await using emulator = await startSmppEmulator()
    const kannel = await startKannel({ port: emulator.smppPort, ...emulator.accounts.smpp })
    await using receipts = await receiveReceipts()
    const query = new URLSearchParams({
      ...kannelUser,
      to: '8618812345678',
      from: 'Dialtone',
      text,
      charset: 'utf-8',
      coding: String(coding),
      'dlr-mask': '3',
      'dlr-url': `${receipts.url}?state=%d`,
    })

    const reply = await fetch(`${kannel.sendUrl}?${query}`)

    expect(reply.status).toBe(202)
    const report = await receipts.next()
    expect(new URL(report.url).searchParams.get('state')).toBe('1')
    expect(emulator.messages(phone)).toMatchObject([{ text, from: 'Dialtone' }])
  })
})

const startSmppEmulator = async () => {
  const emulator = await startEmulator({ receiptAfterMilliseconds: 5 })
  return { ...emulator, [Symbol.asyncDispose]: () => emulator.stop() }
}
