// The calls that delete an account, as a person of a test makes them.
import type { CallOptions, Reply, TestApp } from './app.ts'
import { receiveCode } from './phone-changes.ts'

type Owner = { token: string; phone: string }

export const verifyDeletion = (
  app: Pick<TestApp, 'post'>,
  token: string,
  body: object,
  options: CallOptions = {},
): Promise<Reply> => app.post('/api/v3/verify-delete-account-request', body, { token, ...options })

export const byPhone = (phoneNumber: string, passCode: string) => ({
  verifyMethod: 'PHONE_PASSCODE',
  phonePassCodePayload: { phoneNumber, passCode },
})

export const byEmail = (email: string | undefined, passCode: string) => ({
  verifyMethod: 'EMAIL_PASSCODE',
  emailPassCodePayload: { email, passCode },
})

export const byPassword = (password: string) => ({
  verifyMethod: 'PASSWORD',
  passwordPayload: { password },
})

export const deletionCode = (app: TestApp, { token, phone }: Owner): Promise<string> =>
  receiveCode(app, token, 'CHANNEL_DELETE_ACCOUNT', phone)

/** The token of an account whose phone was proved. */
export const deletionToken = async (app: TestApp, owner: Owner): Promise<string> => {
  const proof = byPhone(owner.phone, await deletionCode(app, owner))
  const verified = await verifyDeletion(app, owner.token, proof)
  if (verified.statusCode !== 200) throw new Error(`the deletion was refused: ${verified.message}`)
  return verified.data.deleteAccountToken
}

export const deleteAccount = (
  app: Pick<TestApp, 'post'>,
  token: string,
  deleteAccountToken: string,
): Promise<Reply> => app.post('/api/v3/delete-account', { deleteAccountToken }, { token })
