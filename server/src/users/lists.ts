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

const text = (description: string) => Type.String({ description })

const Identity = Type.Object({
  identityId: text('The id of the identity.'),
  extIdpId: text('The id of its source.'),
  provider: text('Who runs the source.'),
  type: text('Of the id that the user has there.'),
  userIdInIdp: text('The id that the user has there.'),
  userInfoInIdp: Type.Unknown({ description: 'What the source says of the user.' }),
  originConnIds: Type.Array(Type.String(), { description: 'The connections to the source.' }),
})
const Tenant = Type.Object({
  tenantId: text('The id of the tenant.'),
  tenantName: text('The name of the tenant.'),
  joinAt: text('Since when the user belongs to it; ISO 8601, UTC.'),
})
const Role = Type.Object({
  id: text('The id of the role.'),
  code: text('Its name in programs.'),
  name: text('Its name for people.'),
  description: text('What it is for.'),
  namespace: text('The permission space that it is of.'),
  namespaceName: text('The name of that space for people.'),
})
const Group = Type.Object({
  id: text('The id of the group.'),
  code: text('Its name in programs.'),
  name: text('Its name for people.'),
  description: text('What it is for.'),
  type: text('Whether its members are listed one by one, or follow from a rule.'),
})

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
  Type.String({ maxLength: 200, description: 'Only of this permission space.', examples: ['default'] }),
)

const Department = Type.Object({
  organizationCode: text('The organization that it is of.'),
  departmentId: text('The id of the department.'),
  name: text('Its name for people.'),
  code: text('Its name in programs.'),
  isRoot: Type.Boolean({ description: 'Whether it is the top of its organization.' }),
  isLeader: Type.Boolean({ description: 'Whether the user leads it.' }),
  isMainDepartment: Type.Boolean({ description: 'Whether it is the first of the user’s departments.' }),
  joinedAt: text('Since when the user belongs to it; ISO 8601, UTC.'),
})
const AuthorizedResource = Type.Object({
  resourceCode: text('The name of the resource in programs.'),
  resourceType: text('DATA, API, MENU, BUTTON or UI.'),
  apiIdentifier: text('The URL of an API.'),
  actions: Type.Array(Type.String(), { description: 'What the user may do with it.' }),
  effect: text('ALLOW or DENY.'),
})

const alwaysEmpty =
  'Always empty: this server has none. It is served so that programs of GenAuth find what they expect.'
const ofUser = (what: string) => ({
  tags: ['Profile'],
  summary: `The user’s ${what}`,
  description: alwaysEmpty,
})

/** The example of each list. */
const empty = { examples: [[]] }

const counted = { totalCount: Type.Integer({ description: 'Entries on all pages.', examples: [0] }) }

export const listRoutes = (http: Http): void => {
  for (const { path, operationId, of, item } of plainLists) {
    http.get(
      `/api/v3/${path}`,
      {
        config,
        schema: { operationId, ...ofUser(of), response: { 200: envelopeOf(Type.Array(item, empty)) } },
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
        response: { 200: envelopeOf(Type.Array(Role, empty)) },
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
        response: {
          200: envelopeOf(
            Type.Object({
              ...counted,
              list: Type.Array(Department, { description: 'The departments of this page.', ...empty }),
            }),
          ),
        },
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
            Type.String({
              maxLength: 200,
              description: 'Only of this type: DATA, API, MENU, BUTTON or UI.',
              examples: ['API'],
            }),
          ),
        }),
        response: {
          200: envelopeOf(
            Type.Object({
              ...counted,
              list: Type.Array(AuthorizedResource, { description: 'The resources.', ...empty }),
            }),
          ),
        },
      },
    },
    async (request) => ok(request, { totalCount: 0, list: [] }),
  )
}
