// The email address of the signed-in user's account: binding, changing and unbinding it, and undoing each.
//
// What must stay true: one address, one account, per pool (rule 13); only who has proved control of an address learns
// that it is bound elsewhere (rule 10); an address is verified only where a code that was sent there has come back; the
// old address stays in force until the new one is proved (rule 14); other sessions end in the transaction of the change,
// and the old address and the phone are told of it (rule 15); the address that is the only way to sign in stays, and
// nothing goes on to use one that was unbound (rule 16); a wrong code never touches the session (rule 9).
import { createBind } from './bind.ts'
import { createChange } from './change.ts'
import type { EmailDeps } from './changed.ts'
import { createUnbind } from './unbind.ts'
import { createUndo } from './undo.ts'

export type { Caller } from './changed.ts'

export const createEmail = (deps: EmailDeps) => ({
  bind: createBind(deps),
  ...createChange(deps),
  unbind: createUnbind(deps),
  undo: createUndo(deps),
})

export type Email = ReturnType<typeof createEmail>
