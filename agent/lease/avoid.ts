import { type IDefaultPolicyContext, type IPolicy, noop } from 'cockatiel';

/** How long a member that was asked in vain is left alone. */
const avoidMilliseconds = 2000;

/**
 * Makes etcd3's policies for the members of a cluster, which it asks in random order: one that doesn't answer, such as one
 * that is cut off from the others, would cost a part of all calls their deadline. For a while calls for it fail at once
 * with what it failed with, and etcd3 asks the next; when no other is left it is asked all the same. etcd3's own circuit
 * breaker goes by the wall's clock: after a jump it could keep us from a member for a day.
 */
export function createAvoidance(
  members: readonly string[],
  isNoAnswer: (error: unknown) => boolean,
): (member: string) => IPolicy<IDefaultPolicyContext> {
  const failed = new Map<string, { readonly until: number; readonly error: unknown }>();
  const failureOf = (member: string): { readonly error: unknown } | null => {
    const failure = failed.get(member);
    return failure !== undefined && failure.until > performance.now() ? failure : null;
  };
  return (member) => ({
    _altReturn: noop._altReturn,
    onSuccess: noop.onSuccess,
    onFailure: noop.onFailure,
    async execute(call, signal) {
      const failure = failureOf(member);
      if (failure !== null && members.some((other) => failureOf(other) === null)) throw failure.error;
      try {
        const answer = await noop.execute(call, signal);
        failed.delete(member);
        return answer;
      } catch (error) {
        if (isNoAnswer(error)) failed.set(member, { until: performance.now() + avoidMilliseconds, error });
        throw error;
      }
    },
  });
}
