import type { Configuration } from '../configuration/configuration.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { type AccountPolicies, AccountPolicy } from './account-policy.ts'

const tags = ['Console: accounts']
const own = unlimited('needs an administrator')

type Deps = { accountPolicy: AccountPolicies; configuration: Configuration }

export const accountPolicyRoutes = (http: Http, { accountPolicy, configuration }: Deps): void => {
  http.get(
    '/console/api/account-policy',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleGetAccountPolicy',
        tags,
        summary: 'What changes to accounts ask for',
        description: 'Every field, with its default where the pool has set none.',
        response: { 200: AccountPolicy },
      },
    },
    ({ administrator }) => accountPolicy.stored(administrator.poolId),
  )

  http.put(
    '/console/api/account-policy',
    {
      config: { access: 'administrator', limit: own },
      // The domain names every fault, an unknown field too.
      validatorCompiler: () => (value: unknown) => ({ value }),
      schema: {
        operationId: 'consolePutAccountPolicy',
        tags,
        summary: 'Set what changes to accounts ask for',
        description:
          'The whole policy. It is in force at once in the process that made the change, and within five seconds in all others.',
        body: AccountPolicy,
        response: { 200: AccountPolicy },
      },
    },
    async ({ administrator, body, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.putAccountPolicy({ poolId, administrator, ip }, body)
      return accountPolicy.stored(poolId)
    },
  )
}
