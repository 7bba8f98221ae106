import { describe, expect, it } from 'vitest'
import { ConfigFaults, readConfig } from './config.ts'
import { limits } from './limits.ts'

const masterKey = 'c8a1f0e2b7d94635a1b2c3d4e5f60718'

const production = {
  NODE_ENV: 'production',
  DIALTONE_PUBLIC_URL: 'https://id.example.com',
  DIALTONE_DATABASE_URL: 'postgres://dialtone@db/dialtone',
  DIALTONE_MASTER_KEY: masterKey,
}

const faultsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigFaults) return error.faults
    throw error
  }
}

describe('the settings', () => {
  it('have defaults that run on a laptop', () => {
    expect(readConfig({})).toEqual({
      production: false,
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://127.0.0.1:3000',
      databaseUrl: undefined,
      databasePoolSize: 10,
      dataDir: './data',
      masterKeys: undefined,
      firstStart: {},
      inbox: true,
      testNumbers: true,
      providerTimeoutSeconds: 5,
      providerBreakSeconds: 30,
      logLevel: 'warn',
      defaultLanguage: 'en-US',
      trustedProxies: [],
      passcodeLength: 6,
      passcodeTtlSeconds: 300,
      limits,
    })
  })

  it('have no inbox, no test numbers and more log in production', () => {
    expect(readConfig(production)).toMatchObject({
      production: true,
      inbox: false,
      testNumbers: false,
      logLevel: 'info',
    })
    expect(readConfig({ ...production, DIALTONE_INBOX: 'on' }).inbox).toBe(true)
  })

  it('are all refused together, each by name', () => {
    const faults = faultsOf({
      PORT: '0',
      DIALTONE_PUBLIC_URL: 'id.example.com',
      DIALTONE_PASSCODE_LENGHT: '6',
      DIALTONE_PASSCODE_LENGTH: 'six',
      DIALTONE_MASTER_KEY: 'short',
    })

    expect(faults.map((fault) => fault.split(' ')[0]).sort()).toEqual([
      'DIALTONE_MASTER_KEY',
      'DIALTONE_PASSCODE_LENGHT',
      'DIALTONE_PASSCODE_LENGTH',
      'DIALTONE_PUBLIC_URL',
      'PORT',
    ])
    expect(faults).toContain('DIALTONE_PASSCODE_LENGTH must be a whole number from 4 to 8.')
  })

  it('that nobody knows are faults, and the environment of other programs is none', () => {
    expect(faultsOf({ DIALTONE_NEW: '1', dialtone_new: '1', HOME: '/root', NEW: '1' })).toEqual([
      'DIALTONE_NEW is not a setting: docs/reference/settings.md lists them all.',
    ])
  })

  it.each(['DIALTONE_PUBLIC_URL', 'DIALTONE_DATABASE_URL', 'DIALTONE_MASTER_KEY'])(
    'need %s in production (rule 27)',
    (name) => {
      expect(faultsOf({ ...production, [name]: '' })).toEqual([
        expect.stringMatching(`^${name} is missing: production needs it`),
      ])
    },
  )

  it('take no placeholder for a master key in production (rule 27)', () => {
    const placeholder = { DIALTONE_MASTER_KEY: 'x'.repeat(32) }

    expect(faultsOf(placeholder)).toEqual([])
    expect(faultsOf({ ...production, ...placeholder })).toEqual([
      expect.stringMatching('^DIALTONE_MASTER_KEY'),
    ])
    expect(faultsOf({ ...production, DIALTONE_MASTER_KEY: `${masterKey},short` })).toHaveLength(1)
  })

  it.each([
    ['PORT', '1', '65535', ['0', '65536', '-1', '3e3', '0x10', ' 80']],
    ['DIALTONE_DATABASE_POOL_SIZE', '1', '1000', ['0', '1001']],
    ['DIALTONE_PASSCODE_LENGTH', '4', '8', ['3', '9', '6.0']],
    ['DIALTONE_PASSCODE_TTL_SECONDS', '60', '600', ['59', '601']],
    ['DIALTONE_PASSCODE_ATTEMPTS', '1', '1000000000', ['0', '1000000001']],
    ['DIALTONE_MESSAGE_COOLDOWN_SECONDS', '0', '86400', ['-1', '86401']],
  ])('hold %s within its bounds', (name, least, most, outside) => {
    expect([...faultsOf({ [name]: least }), ...faultsOf({ [name]: most })]).toEqual([])
    for (const value of outside) expect(faultsOf({ [name]: value }), value).toHaveLength(1)
  })

  it.each([
    ['DIALTONE_INBOX', 'on', 'yes'],
    ['DIALTONE_LOG_LEVEL', 'debug', 'verbose'],
    ['DIALTONE_DEFAULT_LANGUAGE', 'zh-CN', 'zh'],
    ['DIALTONE_DATABASE_URL', 'postgresql://db/dialtone', 'mysql://db/dialtone'],
    ['DIALTONE_APP_ID', 'my-app', 'a b c d'],
    ['DIALTONE_APP_SECRET', 'secret', 'a secret'],
    ['DIALTONE_TRUSTED_PROXIES', '10.0.0.0/8, ::1,192.0.2.1', 'proxy.local'],
    ['DIALTONE_TRUSTED_PROXIES', 'fd00::/8', '10.0.0.0/33'],
    ['DIALTONE_TRUSTED_PROXIES', '192.0.2.255/32', '192.0.2.256'],
    ['DIALTONE_TRUSTED_PROXIES', '::/0', '10.0.0.1,'],
  ])('take for %s %j and not %j', (name, good, bad) => {
    expect(faultsOf({ [name]: good })).toEqual([])
    expect(faultsOf({ [name]: bad })).toEqual([expect.stringMatching(`^${name} `)])
  })

  it.each([
    ['DIALTONE_APP_ID', 'app1', 'app'],
    ['DIALTONE_APP_SECRET', '0123456789abcdef', '0123456789abcde'],
    ['DIALTONE_ADMIN_PASSWORD', 'password', 'passwor'],
  ])('take in production for %s %j and not %j', (name, good, bad) => {
    expect(faultsOf({ ...production, [name]: good })).toEqual([])
    expect(faultsOf({ ...production, [name]: bad })).toEqual([expect.stringMatching(`^${name} `)])
  })

  it('are read as what they mean', () => {
    const config = readConfig({
      HOST: '::1',
      PORT: '8080',
      DIALTONE_MASTER_KEY: `${masterKey},older-${masterKey}`,
      DIALTONE_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      DIALTONE_PASSWORD_FAILURES_HOUR: '5',
      DIALTONE_MESSAGE_COOLDOWN_SECONDS: '0',
    })

    expect(config.publicUrl).toBe('http://[::1]:8080')
    expect(config.masterKeys?.map((key) => key.reveal())).toEqual([masterKey, `older-${masterKey}`])
    expect(config.trustedProxies).toEqual(['10.0.0.0/8', '::1'])
    expect(config.limits.passwordFailuresHour).toMatchObject({ count: 5, windowSeconds: 3600 })
    expect(config.limits.messageCooldown).toMatchObject({ count: 1, windowSeconds: 0 })
    expect(readConfig({ DIALTONE_PUBLIC_URL: 'https://id.example.com/' }).publicUrl).toBe(
      'https://id.example.com',
    )
  })

  it('never print their secrets (rule 12)', () => {
    const config = readConfig({ DIALTONE_MASTER_KEY: masterKey, DIALTONE_APP_SECRET: 'secret-of-the-app' })

    expect(`${JSON.stringify(config)} ${config.masterKeys}`).not.toMatch(/c8a1f0e2|secret-of/)
  })
})
