import { type Queryable, sql } from '../core/database.ts'

export type ProviderRow = {
  name: string
  kind: string
  settings: Record<string, unknown>
  sealed_secrets: string
  enabled: boolean
  updated_at: Date
}

const columns = sql`name, kind, settings, sealed_secrets, enabled, updated_at`

export const selectProviders = (db: Queryable, poolId: string) =>
  db.query<ProviderRow>(sql`
    select ${columns}
      from sms_providers
     where pool_id = ${poolId}
     order by name`)

export const selectProvider = async (
  db: Queryable,
  poolId: string,
  name: string,
): Promise<ProviderRow | undefined> => {
  const [row] = await db.query<ProviderRow>(sql`
    select ${columns}
      from sms_providers
     where pool_id = ${poolId}
       and name = ${name}`)
  return row
}

/** Of all pools. */
export const selectEnabledOfKinds = (db: Queryable, kinds: readonly string[]) =>
  db.query<{ pool_id: string; name: string }>(sql`
    select pool_id, name
      from sms_providers
     where enabled
       and kind = any (${[...kinds]}::text[])`)

export const upsertProvider = (db: Queryable, poolId: string, row: ProviderRow) =>
  db.query(sql`
    insert into sms_providers (pool_id, ${columns}, created_at)
    values (
      ${poolId}, ${row.name}, ${row.kind}, ${JSON.stringify(row.settings)}::jsonb, ${row.sealed_secrets},
      ${row.enabled}, ${row.updated_at}, ${row.updated_at}
    )
    on conflict (pool_id, name) do update
       set kind = excluded.kind,
           settings = excluded.settings,
           sealed_secrets = excluded.sealed_secrets,
           enabled = excluded.enabled,
           updated_at = excluded.updated_at`)

/** Deletes a provider that neither a route nor the guard's policy names. */
export const deleteProvider = (db: Queryable, poolId: string, name: string) =>
  db.query<{ name: string }>(sql`
    delete from sms_providers
     where pool_id = ${poolId}
       and name = ${name}
       and not exists (
         select
           from sms_routes
          where sms_routes.pool_id = sms_providers.pool_id
            and sms_routes.steps @> jsonb_build_array(jsonb_build_object('provider', sms_providers.name))
       )
       and not exists (
         select
           from guard_policies
          where guard_policies.pool_id = sms_providers.pool_id
            and guard_policies.policy -> 'lookup' ->> 'provider' = sms_providers.name
       )
    returning name`)
