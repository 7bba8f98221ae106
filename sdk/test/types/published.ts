// What a program may give to a method of authing-node-sdk it may give to ours: checked by `tsc`, never run.
import type { AuthenticationClient as Published, Models as PublishedModels } from 'authing-node-sdk'
import type { AuthenticationClientInitOptions, Models, AuthenticationClient as Ours } from '../../src/sdk.ts'

type Method = (...given: never[]) => unknown
type Methods<Of> = { [Name in keyof Of as Of[Name] extends Method ? Name : never]: Of[Name] }
type Given<Of> = Of extends (...given: infer All) => unknown ? All : never

/** Methods that do not take all that the published ones take. */
type Narrower = {
  [Name in keyof Methods<Ours> & keyof Methods<Published>]: Given<Published[Name]> extends Given<Ours[Name]>
    ? never
    : Name
}[keyof Methods<Ours> & keyof Methods<Published>]

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_Claim extends true>(): void => undefined

// validatePassword: there the password may be missing, in a call that is there to judge one; a server can but refuse it.
holds<Same<Narrower, 'validatePassword'>>()

/** Those that the published class does not have. */
holds<Same<Exclude<keyof Methods<Ours>, keyof Methods<Published>>, never>>()

holds<ConstructorParameters<typeof Published>[0] extends AuthenticationClientInitOptions ? true : false>()

/** Fields of a user that this server has nothing for: a program that reads one hears of it from the compiler. */
holds<
  Same<
    Exclude<keyof PublishedModels.UserDto, keyof Models.UserDto>,
    | 'lastMfaTime'
    | 'mainDepartmentId'
    | 'metadataSource'
    | 'postIdList'
    | 'registerSource'
    | 'resetPasswordOnNextLogin'
    | 'signedUp'
    | 'statusChangedAt'
    | 'tenantId'
    | 'userSourceId'
  >
>()
