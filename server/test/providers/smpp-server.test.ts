// The SMPP provider against software that we did not write: the server half of Perl's Net::SMPP.
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectProvider, type Receipt } from '../../src/providers/providers.ts'
import { outgoing, phoneOf, providerDeps } from '../support/outgoing.ts'
import { hasNetSmpp, smppUser, startSmppServer } from '../support/smpp-server.ts'

const connect = (port: number, given: Partial<typeof smppUser> = {}) => {
  const receipts: Receipt[] = []
  const provider = connectProvider(
    'smpp',
    { host: '127.0.0.1', port, ...smppUser, ...given },
    { ...providerDeps(), takeReceipts: async (taken) => void receipts.push(...taken) },
  )
  onTestFinished(() => provider.close?.())
  return { provider, receipts }
}

const seconds = (count: number) => AbortSignal.timeout(count * 1000)

describe.skipIf(!hasNetSmpp)('the server of Net::SMPP', () => {
  it.each([
    ['in the GSM alphabet', 'Your code is 482913: @£$_ {€} ñ Ω', 0],
    ['in Chinese with an emoji', '【示例】验证码 482913 🔐', 8],
  ])('reads a text %s, and we its receipt', async (_, text, coding) => {
    const server = await startSmppServer()
    const { provider, receipts } = connect(server.port)

    const outcome = await provider.send(outgoing({ text, from: 'Dialtone' }), seconds(60))

    expect(outcome).toEqual({ outcome: 'accepted', providerMessageId: 'perl_001', segments: 1 })
    await expect
      .poll(() => server.submitted())
      .toEqual([
        {
          id: 'perl_001',
          to: '447700900123',
          to_ton: 1,
          to_npi: 1,
          from: 'Dialtone',
          from_ton: 5,
          from_npi: 0,
          coding,
          receipt: 1,
          header: '',
          text,
        },
      ])
    await expect.poll(() => receipts).toEqual([{ providerMessageId: 'perl_001', state: 'delivered' }])
    await expect.poll(() => server.acknowledged()).toEqual([0])
  })

  it('reads the parts of a long text, whose receipts we join', async () => {
    const server = await startSmppServer()
    const { provider, receipts } = connect(server.port)
    const text = '482913'.repeat(60)

    const outcome = await provider.send(outgoing({ text, from: '+447700900999' }), seconds(60))

    expect(outcome).toEqual({ outcome: 'accepted', providerMessageId: 'perl_001', segments: 3 })
    await expect.poll(() => server.submitted()).toHaveLength(3)
    const parts = server.submitted()
    expect(parts.map((part) => part.text).join('')).toBe(text)
    const reference = parts[0]?.header.slice(6, 8)
    expect(parts.map(({ header }) => header)).toEqual([1, 2, 3].map((part) => `050003${reference}030${part}`))
    expect(parts[0]).toMatchObject({ from: '447700900999', from_ton: 1, from_npi: 1 })
    await expect.poll(() => server.acknowledged()).toEqual([0, 0, 0])
    expect(receipts).toEqual([{ providerMessageId: 'perl_001', state: 'delivered' }])
  })

  it('reports a failure, which we understand', async () => {
    const server = await startSmppServer()
    const { provider, receipts } = connect(server.port)

    await provider.send(outgoing({ to: phoneOf('+447700900199') }), seconds(60))

    await expect
      .poll(() => receipts)
      .toEqual([
        { providerMessageId: 'perl_001', state: 'failed', reason: 'number_unreachable', code: 'UNDELIV 027' },
      ])
  })

  it('refuses a wrong password', async () => {
    const server = await startSmppServer()
    const { provider } = connect(server.port, { password: 'wrong' })

    const outcome = await provider.send(outgoing(), seconds(60))

    expect(outcome).toEqual({
      outcome: 'refused',
      reason: 'credentials_invalid',
      code: 'ESME_RINVPASWD',
      maybeSent: false,
    })
  })

  it('is told when we go', async () => {
    const server = await startSmppServer()
    const { provider } = connect(server.port)
    await provider.send(outgoing(), seconds(60))

    await provider.close?.()

    await expect.poll(() => server.hasUnbound()).toBe(true)
  })
})
