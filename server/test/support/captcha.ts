// A captcha as a person solves it: only the server's key opens its token, and the tests have that key.
import { createKeyring } from '../../src/core/crypto.ts'
import { Secret } from '../../src/core/secret.ts'
import type { TestApp } from './app.ts'
import { testSettings } from './settings.ts'

const keyring = createKeyring([new Secret(testSettings.DIALTONE_MASTER_KEY)])

/** A new picture with what it says, as a client sends both back. */
export const solveCaptcha = async ({ get, application }: Pick<TestApp, 'get' | 'application'>) => {
  const { data } = await get('/api/v3/get-captcha-code')
  const [, captchaCode]: string[] = JSON.parse(
    keyring.unseal(data.captchaToken, `captcha ${application.poolId}`),
  )
  return { captchaToken: data.captchaToken as string, captchaCode: captchaCode ?? '' }
}
