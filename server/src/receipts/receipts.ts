// What became of messages: calls that providers make, and questions that we ask where they make none.
//
// What must stay true: a call counts only with the token of its URL and, where the service signs, a right signature;
// a receipt is kept once a state, however often it comes; a question that fails is asked again later.
import { ApiError } from '../api-codes.ts'
import type { Log } from '../core/log.ts'
import type { DuePoll, Messages } from '../messages/messages.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { ConnectedProvider, Providers, ReceiptCall, ReceiptReply } from '../providers/providers.ts'

const polledAtOnce = 50
const pollMilliseconds = 5000

type Deps = { messages: Messages; providers: Providers; log: Log }

export const createReceipts = ({ messages, providers, log }: Deps) => {
  const poll = async (due: DuePoll): Promise<void> => {
    const connected = await providers.reporting(due.pool_id, due.provider)
    const receipt = await connected?.provider.poll?.(
      {
        id: due.id,
        providerMessageId: due.provider_message_id,
        channel: due.channel,
        to: due.recipient as E164,
        sentAt: due.started_at,
      },
      AbortSignal.timeout(pollMilliseconds),
    )
    if (connected === undefined || receipt === undefined) return
    await messages.takeReceipts(due.pool_id, due.provider, [receipt], asksOn(connected))
  }

  return {
    /**
     * Takes what a provider reports.
     * @throws ApiError path_not_found for a wrong token, receipt_invalid for a wrong signature
     */
    take: async (
      target: { poolId: string; provider: string; token: string },
      call: Omit<ReceiptCall, 'hasToken'>,
    ): Promise<ReceiptReply['reply']> => {
      const { poolId, provider: name, token } = target
      if (!/^[0-9a-f-]{36}$/.test(poolId) || !providers.isReceiptToken(poolId, name, token)) {
        throw new ApiError('path_not_found', 'not the receipt URL of a provider')
      }
      const connected = await providers.reporting(poolId, name)
      if (connected?.provider.readReceipts === undefined) {
        throw new ApiError('path_not_found', 'this provider takes no receipts')
      }
      const read = await connected.provider.readReceipts({ ...call, hasToken: true })
      if (read === undefined) throw new ApiError('receipt_invalid', 'the call is not the provider’s')
      await messages.takeReceipts(poolId, name, read.receipts, asksOn(connected))
      return read.reply
    },

    /** Asks the providers that do not report by themselves; called every few seconds by every process. */
    pollDue: async (): Promise<number> => {
      const due = await messages.takeDuePolls(polledAtOnce)
      await Promise.all(
        due.map((one) =>
          poll(one).catch((error: unknown) => {
            log.warn({ err: error, provider: one.provider }, 'a provider could not be asked for receipts')
          }),
        ),
      )
      return due.length
    },
  }
}

export type Receipts = ReturnType<typeof createReceipts>

/** Of some services the price is known only some time after the delivery. */
const asksOn = ({ kind }: ConnectedProvider): boolean => kind.tellsPrice === true
