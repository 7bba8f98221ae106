// Passkeys: public keys of authenticators (WebAuthn), and sign-in with them.
//
// What must stay true: an answer counts once, for the pool, application, kind and session that its challenge was made
// for; a passkey opens the account that it was registered for and no other; a sign-in needs the user verified by the
// authenticator, so that it proves two factors; a counter that does not go on is refused; the handle that an
// authenticator keeps tells nothing but the user's id.
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import type { Factors } from '../factors/factors.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Opened, SignIn } from '../signin/signin.ts'
import type { AccessToken, TokenSet } from '../tokens/tokens.ts'
import type { UserRow, Users } from '../users/users.ts'
import { type Challenge, type ChallengeSubject, challengeTtlSeconds, createChallenges } from './challenges.ts'
import {
  deletePasskey,
  insertPasskey,
  type PasskeyRow,
  selectPasskey,
  selectPasskeys,
  usePasskey,
} from './store.ts'
import {
  type AuthenticationResponse,
  algorithms,
  type RegistrationResponse,
  verifyAuthentication,
  verifyRegistration,
} from './verification.ts'

export type RegistrationRequest = {
  application: Application
  user: AccessToken
  ip: string
  ticket: string
  response: RegistrationResponse
  transports: readonly string[]
}

export type AuthenticationRequest = {
  application: Application
  /** The caller's token, where there is one. */
  sender: AccessToken | undefined
  ip: string
  userAgent: string | undefined
  /** Granted scopes, parted by spaces. */
  scope: string
  ticket: string
  response: AuthenticationResponse
  /** The user that the authenticator says the passkey is for, in base64url. */
  userHandle: string | undefined
}

/** How a browser reaches an authenticator (WebAuthn, section 5.8.4, and the later `hybrid`). */
const knownTransports = ['ble', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']

type Opening = AuthenticationRequest & { method: string }

/** The passkey that an answer names, if there is one. */
type Found = { passkey: PasskeyRow | undefined }

type Deps = {
  db: Database
  keyring: Keyring
  users: Users
  sessions: Sessions
  signIn: SignIn
  factors: Factors
  audit: Audit
  clock: Clock
  config: Pick<Config, 'publicUrl'>
}

export const createPasskeys = (deps: Deps) => {
  const { db, keyring, users, sessions, signIn, factors, audit, clock, config } = deps
  const challenges = createChallenges({ db, keyring, clock })
  const { hostname: relyingPartyId, origin } = new URL(config.publicUrl)

  const expectedOf = (application: Application, challenge: string) => ({
    challenge,
    relyingPartyId,
    origins: [origin, ...siteOf(application, relyingPartyId)],
  })

  /** Who asks, if that session lives: the SDK sends a token with every call, also an old one. */
  const liveSubject = async (sender: AccessToken | undefined): Promise<ChallengeSubject> => {
    if (sender === undefined) return undefined
    const { userId, sessionId } = sender
    try {
      await sessions.requireLive(sender)
      return { userId, sessionId }
    } catch (error) {
      if (error instanceof ApiError) return undefined
      throw error
    }
  }

  /** The passkey and what the answer says, if the answer proves it. @throws ApiError passkey_invalid */
  const prove = async (request: AuthenticationRequest, { challenge, subject }: Challenge, found: Found) => {
    const { application, sender, response, userHandle } = request
    const passkey = found.passkey
    if (subject !== undefined && subject.sessionId !== sender?.sessionId)
      throw invalid('the challenge of another session')
    if (passkey === undefined) throw invalid('unknown passkey')
    if (subject !== undefined && subject.userId !== passkey.user_id)
      throw invalid('the passkey of another user')
    // WebAuthn, section 7.2, step 6: who has not said who it is must be told by the authenticator.
    const isNamed =
      userHandle === undefined ? subject !== undefined : userHandle === handleOf(passkey.user_id)
    if (!isNamed) throw invalid('the authenticator names another user, or none')
    const expected = expectedOf(application, challenge)
    const verified = await verifyAuthentication(response, passkey.public_key, expected)
    if ('reason' in verified) throw invalid(verified.reason)
    return { passkey, verified }
  }

  /** @throws ApiError passkey_invalid, user_disabled */
  const open = async (request: Opening, challenge: Challenge, found: Found): Promise<Opened> => {
    const { application, sender, ip } = request
    const { poolId, id: applicationId } = application
    const { passkey, verified } = await prove(request, challenge, found)
    const event = { userId: passkey.user_id, applicationId, ip }
    if (verified.counter <= Number(passkey.counter) && Number(passkey.counter) > 0) {
      await audit.record(poolId, { type: 'passkey.counter_regressed', ...event })
      throw invalid('the counter went back: perhaps a copy of the authenticator')
    }
    return db.transaction(async (tx) => {
      // The user's row first and the passkey's after it, as a deletion goes.
      const opened = await signIn.open(request, { userId: passkey.user_id, proof: {} }, tx)
      if (opened === undefined) throw new ApiError('user_disabled', 'the user is not Activated')
      const credentialId = passkey.credential_id
      if (!(await usePasskey(tx, { ...verified, poolId, credentialId, now: clock.now() })))
        throw invalid('the passkey was removed, or its counter went on, at the same instant')
      const { session } = opened
      const asker = challenge.subject === undefined ? undefined : sender
      const proved = [{ poolId, ...session }, asker].filter((subject) => subject !== undefined)
      // Rule 14: one that was registered with a stolen token alone stands in for no phone.
      if (passkey.registered_with_proof) {
        for (const subject of proved) await sessions.recordFactorProof(subject, 'PASSKEY', tx)
      }
      if (asker !== undefined) {
        const detail = { factor: 'PASSKEY' }
        await audit.record(poolId, { type: 'factor.proved', ...event, detail }, tx)
      }
      return opened
    })
  }

  return {
    /** What `navigator.credentials.create` is to be called with. */
    registrationOptions: async (application: Application, { poolId, userId, sessionId }: AccessToken) => {
      const user = await users.get(poolId, userId)
      const own = await selectPasskeys(db, poolId, userId)
      const { challenge, ticket } = challenges.issue(
        { application, kind: 'registration' },
        { userId, sessionId },
      )
      const name = nameOf(user, application.name)
      const registrationOptions = {
        challenge,
        rp: { id: relyingPartyId, name: application.name },
        user: { id: handleOf(userId), name, displayName: name },
        pubKeyCredParams: algorithms.map((alg) => ({ alg, type: 'public-key' as const })),
        timeout: challengeTtlSeconds * 1000,
        excludeCredentials: own.map(toDescriptor),
        authenticatorSelection: {
          residentKey: 'required' as const,
          requireResidentKey: true,
          userVerification: 'required' as const,
        },
        attestation: 'none' as const,
      }
      return { registrationOptions, ticket }
    },

    /** @throws ApiError passkey_invalid, factor_already_enrolled, token_invalid, user_disabled */
    register: async (request: RegistrationRequest): Promise<void> => {
      const { application, user, ip, response } = request
      const { poolId, userId } = user
      const spent = await challenges.spend({ application, kind: 'registration' }, request.ticket)
      if (spent === undefined) throw invalid('no live challenge')
      if (spent.subject?.sessionId !== user.sessionId) throw invalid('the challenge of another session')
      const made = await verifyRegistration(response, expectedOf(application, spent.challenge))
      if ('reason' in made) throw invalid(made.reason)

      const registeredWithProof = await factors.provesMoreThanPassword(user)
      await db.transaction(async (tx) => {
        await users.hold(user, tx)
        const event = {
          type: 'passkey.registered' as const,
          userId,
          applicationId: application.id,
          ip,
          detail: { authenticatorId: made.authenticatorId, backedUp: made.backedUp },
        }
        const isNew = await insertPasskey(tx, {
          ...made,
          poolId,
          userId,
          registeredWithProof,
          transports: knownTransports.filter((name) => request.transports.includes(name)),
          now: clock.now(),
          recordFrom: (source) => audit.recordFrom(source, poolId, event),
        })
        if (!isNew) throw new ApiError('factor_already_enrolled', 'the credential id is known')
      })
    },

    /** What `navigator.credentials.get` is to be called with. */
    authenticationOptions: async (application: Application, sender: AccessToken | undefined) => {
      const subject = await liveSubject(sender)
      const own = subject === undefined ? [] : await selectPasskeys(db, application.poolId, subject.userId)
      const { challenge, ticket } = challenges.issue(
        { application, kind: 'authentication' },
        own.length === 0 ? undefined : subject,
      )
      const authenticationOptions = {
        challenge,
        rpId: relyingPartyId,
        timeout: challengeTtlSeconds * 1000,
        // Empty: the authenticator offers what it has for this site, and so tells who it is.
        allowCredentials: own.map(toDescriptor),
        userVerification: 'required' as const,
      }
      return { authenticationOptions, ticket }
    },

    /**
     * Signs in. Where the challenge was made for a live session, that session has proved a factor too.
     * @throws ApiError passkey_invalid, user_disabled
     */
    authenticate: async (given: AuthenticationRequest): Promise<TokenSet> => {
      const request = { ...given, method: 'passkey' }
      const { application, response } = request
      const challenge = await challenges.spend({ application, kind: 'authentication' }, request.ticket)
      if (challenge === undefined) throw invalid('no live challenge')
      const { poolId } = application
      const passkey = await selectPasskey(db, { poolId, credentialId: response.id })
      const opened = await open(request, challenge, { passkey }).catch(async (error: unknown) => {
        if (error instanceof ApiError)
          await signIn.recordRefused(request, { userId: passkey?.user_id, reason: error.code })
        throw error
      })
      return signIn.issueTokens(request, opened)
    },

    /** The caller's own, oldest first. */
    list: ({ poolId, userId }: AccessToken): Promise<PasskeyRow[]> => selectPasskeys(db, poolId, userId),

    /** @throws ApiError factor_not_found, last_sign_in_method, token_invalid, user_disabled */
    remove: async (user: AccessToken, credentialId: string, ip: string): Promise<void> => {
      const { poolId, userId, applicationId } = user
      await db.transaction(async (tx) => {
        await users.hold(user, tx)
        if (!(await deletePasskey(tx, { poolId, userId, credentialId })))
          throw new ApiError('factor_not_found', 'no such passkey of the caller')
        if (!Object.values(await users.signInWays(poolId, userId, tx)).includes(true))
          throw new ApiError('last_sign_in_method', 'the passkey is all there is to sign in with')
        const detail = { factor: 'PASSKEY' }
        await audit.record(poolId, { type: 'factor.removed', userId, applicationId, ip, detail }, tx)
      })
    },
  }
}

export type Passkeys = ReturnType<typeof createPasskeys>

const invalid = (reason: string) => new ApiError('passkey_invalid', reason)

/** WebAuthn asks for a handle without personal data (section 14.6.1): the id is random, and names nobody. */
const handleOf = (userId: string): string => Buffer.from(userId).toString('base64url')

/**
 * The application's own site, where it lies within the relying party: a passkey works on its host and on all below it,
 * but who may use it there is for an administrator to say (WebAuthn level 2, section 13.4.9).
 */
const siteOf = ({ webOtpHost }: Application, relyingPartyId: string): string[] =>
  webOtpHost !== undefined && (webOtpHost === relyingPartyId || webOtpHost.endsWith(`.${relyingPartyId}`))
    ? [`https://${webOtpHost}`]
    : []

/** What a person tells apart the own accounts by, on the own device. */
const nameOf = (user: UserRow | undefined, otherwise: string): string =>
  user?.username ?? user?.email ?? user?.phone ?? otherwise

const toDescriptor = ({ credential_id: id, transports }: PasskeyRow) => ({
  id,
  type: 'public-key' as const,
  transports,
})
