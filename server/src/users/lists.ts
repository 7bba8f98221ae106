// The lists of what a user belongs to elsewhere. This server has no identity sources, tenants, roles, groups,
// departments or resources, so that each is truly empty; its shape is the one that clients read.
import { Type } from 'typebox'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import { pageQuery, parsePage } from '../core/paging.ts'
import { unlimited } from '../limits.ts'

const config = {
  access: 'user',
  limit: unlimited('reads nothing'),
  refusals: ['user_disabled'],
} as const

const text = Type.String()

const Identity = Type.Object({
  identityId: text,
  extIdpId: text,
  provider: text,
  type: text,
  userIdInIdp: text,
  userInfoInIdp: Type.Unknown(),
  originConnIds: Type.Array(text),
})
const Tenant = Type.Object({ tenantId: text, tenantName: text, joinAt: text })
const Role = Type.Object({
  id: text,
  code: text,
  name: text,
  description: text,
  namespace: text,
  namespaceName: text,
})
const Group = Type.Object({ id: text, code: text, name: text, description: text, type: text })

const plainLists = [
  {
    path: 'get-identities',
    operationId: 'getIdentities',
    of: 'accounts at other identity sources',
    item: Identity,
  },
  { path: 'get-my-tenant-list', operationId: 'getTenantList', of: 'tenants', item: Tenant },
  { path: 'get-my-group-list', operationId: 'getGroupList', of: 'groups', item: Group },
] as const

const namespace = Type.Optional(
  Type.String({ maxLength: 200, description: 'Of permissions.', examples: ['default'] }),
)

const Department = Type.Object({
  organizationCode: text,
  departmentId: text,
  name: text,
  code: text,
  isRoot: Type.Boolean(),
  isLeader: Type.Boolean(),
  isMainDepartment: Type.Boolean(),
  joinedAt: text,
})
const AuthorizedResource = Type.Object({
  resourceCode: text,
  resourceType: text,
  apiIdentifier: text,
  actions: Type.Array(text),
  effect: text,
})

const alwaysEmpty = 'Always empty: this server has none.'
const ofUser = (what: string) => ({
  tags: ['Profile'],
  summary: `The user’s ${what}`,
  description: alwaysEmpty,
})

const counted = { totalCount: Type.Integer({ examples: [0] }) }

export const listRoutes = (http: Http): void => {
  for (const { path, operationId, of, item } of plainLists) {
    http.get(
      `/api/v3/${path}`,
      {
        config,
        schema: { operationId, ...ofUser(of), response: { 200: envelopeOf(Type.Array(item)) } },
      },
      async (request) => ok(request, []),
    )
  }

  http.get(
    '/api/v3/get-my-role-list',
    {
      config,
      schema: {
        operationId: 'getRoleList',
        ...ofUser('roles'),
        querystring: Type.Object({ namespace }),
        response: { 200: envelopeOf(Type.Array(Role)) },
      },
    },
    async (request) => ok(request, []),
  )

  http.get(
    '/api/v3/get-my-department-list',
    {
      config,
      schema: {
        operationId: 'getDepartmentList',
        ...ofUser('departments'),
        querystring: Type.Object(pageQuery),
        response: { 200: envelopeOf(Type.Object({ ...counted, list: Type.Array(Department) })) },
      },
    },
    async (request) => {
      parsePage(request.query)
      return ok(request, { totalCount: 0, list: [] })
    },
  )

  http.get(
    '/api/v3/get-my-authorized-resources',
    {
      config,
      schema: {
        operationId: 'getAuthorizedResources',
        ...ofUser('authorized resources'),
        querystring: Type.Object({
          namespace,
          resourceType: Type.Optional(
            Type.String({ maxLength: 200, description: 'DATA, API, MENU, BUTTON or UI.', examples: ['API'] }),
          ),
        }),
        response: { 200: envelopeOf(Type.Object({ ...counted, list: Type.Array(AuthorizedResource) })) },
      },
    },
    async (request) => ok(request, { totalCount: 0, list: [] }),
  )
}
