// Administrators: the people who will run the console. As yet the first start makes one, `admin`.
//
// What must stay true: a password is stored as argon2id alone (rule 26).
import type { Clock } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import type { Queryable } from '../core/database.ts'
import type { Secret } from '../core/secret.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { insertAdministrator } from './store.ts'

export const createAdministrators = ({ passwords, clock }: { passwords: Passwords; clock: Clock }) => ({
  create: async (poolId: string, username: string, password: Secret, tx: Queryable): Promise<void> => {
    const passwordHash = await passwords.hash(password.reveal())
    await insertAdministrator(tx, {
      poolId,
      id: newId(clock),
      username,
      passwordHash,
      createdAt: clock.now(),
    })
  },
})

export type Administrators = ReturnType<typeof createAdministrators>
