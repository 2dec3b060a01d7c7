import { z } from 'zod';

/** Where a probe starts: the host itself (`pid` null), or the pod whose first process the host numbers so. */
export const probeSource = z.object({ pid: z.int().min(1).nullable() });
export type ProbeSource = z.infer<typeof probeSource>;

/** A pod to reach; it is not asked by HTTP when `port` is null. */
export const probeTarget = z.object({ address: z.ipv4(), port: z.int().min(1).max(65535).nullable() });
export type ProbeTarget = z.infer<typeof probeTarget>;

/** One ordered pair of a host's script, by the indices of its source and its target. */
export interface ProbePair {
  readonly source: number;
  readonly target: number;
}

/** MTU in bytes that no link of a lab reaches: the upper end of a search. */
const beyondAnyMtu = 9217;

/** What of a pair is measured with ping(8): nothing, RTT and loss, or also the MTU. HTTP is asked where a target has a port. */
export type PingDepth = 'none' | 'rtt' | 'mtu';

/**
 * What runs inside a source's network namespace: `program SOURCE (TARGET ADDRESS PORT)...`, one pair after another.
 *
 * Three packets of the expected MTU give RTT, loss and the lower half of the MTU probe in one process: on a veth they
 * take as long as small ones, and at 1 Gbit/s 12 µs more. A packet of one byte more gives the upper half. ping(8)
 * waits its whole patience for a packet that its own kernel refused, so the patience comes from the RTT just seen. After
 * the last packet it waits only twice the slowest RTT or the interval, so a reply that a busy machine delayed counts as
 * lost; where some came and some did not, three more are sent slowly, and they count.
 * Only where those two disagree with the expectation is the true value searched for, first where an ICMP error points.
 */
const program = `set -f; IFS=' \t\n\r'
say() { kind=$1; shift; printf '%s\\t%s\\t%s\\t%.2000s\\n' "$kind" "$source" "$target" "$*"; }
measure() { ping -n -c 3 -i $2 -W 1 -M do -s $(($1 - 28)) "$address" 2>&1; }
passes() { ping -n -q -c 2 -i 0.002 -W "$patience" -M do -s $(($1 - 28)) "$address" >/dev/null 2>&1; }
partly() { case $1 in *' 0% packet loss'* | *' 100% packet loss'*) return 1 ;; *'% packet loss'*) return 0 ;; *) return 1 ;; esac }
answered() { case $1 in *' 100% packet loss'*) return 1 ;; *'% packet loss'*) return 0 ;; *) return 1 ;; esac }
be_patient() {
  slowest=\${1##*mdev = }; slowest=\${slowest#*/}; slowest=\${slowest#*/}; slowest=\${slowest%%.*}
  case $slowest in '' | *[!0-9]* | ?????*) slowest=250 ;; esac
  wait=$((slowest * 4 + 50)); [ $wait -gt 1000 ] && wait=1000
  patience=$((wait / 1000)).$((wait / 100 % 10))$((wait / 10 % 10))$((wait % 10))
}
search() {
  low=$1; high=$2
  hint=\${full##*mtu}; hint=\${hint#*=}; hint=\${hint# }; hint=\${hint%%[!0-9]*}
  case $hint in '' | ??????*) hint=0 ;; esac
  if [ $hint -gt $low ] && [ $hint -lt $high ]; then
    if passes $hint; then low=$hint; passes $((hint + 1)) && low=$((hint + 1)) || high=$((hint + 1)); else high=$hint; fi
  fi
  while [ $((high - low)) -gt 1 ]; do
    middle=$(((low + high) / 2))
    if passes $middle; then low=$middle; else high=$middle; fi
  done
  remembered=
  case $full in *'Frag needed'*) ;; *'message too long'*)
    route=$(ip -o route get "$address" 2>/dev/null)
    case $route in *expires*) remembered=\${route##*expires }; remembered=\${remembered%%[!0-9]*} ;; esac ;;
  esac
  say mtu $low $remembered
}
get() {
  case $client in
  wget) timeout 3 wget -nv -S -t 1 -T 2 --max-redirect=0 -O - "http://$address:$port$1" ;;
  curl) timeout 3 curl -q -sS -i -m 2 "http://$address:$port$1" ;;
  bash) timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n" "$2" "$0" >&3 && cat <&3' "$address" "$port" "$1" ;;
  busybox) timeout 3 busybox wget -q -O - "http://$address:$port$1" && echo HTTP/1.1 200 ;;
  *) echo 'no program for HTTP' ;;
  esac 2>&1 | head -c 4096
}
fetch() {
  answer=$(get /cgi-bin/whoami)
  case $answer in *HTTP/1.?' 200'*) ;; *HTTP/1.?' '*) answer=$(get /) ;; esac
  say http $answer
}
sizes() {
  full=$(measure $mtu 0.002)
  if partly "$full"; then full=$(measure $mtu 0.2); fi
  if answered "$full"; then
    say ping $full
    [ $depth = mtu ] || return 0
    be_patient "$full"
    if passes $((mtu + 1)); then search $((mtu + 1)) $beyond; else say mtu $mtu; fi
  else
    small=$(measure 68 0.002)
    if partly "$small"; then small=$(measure 68 0.2); fi
    say ping $small
    [ $depth = mtu ] || return 0
    if answered "$small"; then be_patient "$small"; search 68 $mtu; else say mtu none; fi
  fi
}
pair() {
  [ "$port" = - ] || fetch &
  [ $depth = none ] || sizes
  wait
}
source=$1; shift
while [ $# -ge 3 ]; do target=$1 address=$2 port=$3; shift 3; pair; done
exit 0
`;

/**
 * One POSIX shell script that makes every measurement of one host in one round trip, at most `parallel` pairs at once,
 * and prints a line for each as it comes: kind, source, target and what was seen, separated by tabs (see `answer.ts`).
 * The programs are the host's own: ping of iputils, and whichever of wget, curl, bash and busybox it has, the cheapest
 * first. They run in each source's network namespace (nsenter(1)), so a pod's image needs nothing. Throws a `ZodError`
 * when an address, port or process number is not one: nothing else is put into the script.
 */
export function probeScript(
  sources: readonly ProbeSource[],
  targets: readonly ProbeTarget[],
  pairs: readonly ProbePair[],
  settings: { readonly overlayMtu: number; readonly parallel: number; readonly depth: PingDepth },
): string {
  const mtu = z.int().min(68).max(65_535).parse(settings.overlayMtu);
  const workers: string[][] = Array.from({ length: Math.min(settings.parallel, pairs.length) }, () => []);
  // Neighbours in the list share a source, so one worker enters few namespaces.
  const share = Math.ceil(pairs.length / workers.length);
  for (const [number, lines] of workers.entries()) {
    const bySource = new Map<number, ProbePair[]>();
    for (const pair of pairs.slice(number * share, (number + 1) * share)) {
      bySource.set(pair.source, [...(bySource.get(pair.source) ?? []), pair]);
    }
    for (const [source, own] of bySource) {
      const { pid } = probeSource.parse(sources[source]);
      const ends = own.map(({ target }) => {
        const { address, port } = probeTarget.parse(targets[target]);
        return `${target} ${address} ${port ?? '-'}`;
      });
      lines.push(`${pid === null ? 'at_host' : `at_pod ${pid}`} ${source} ${ends.join(' ')}`);
    }
  }
  return `export LC_ALL=C mtu=${mtu} depth=${settings.depth} beyond=${Math.max(beyondAnyMtu, mtu + 2)} client=none
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
found=$(command -v wget)
if [ -n "$found" ] && [ ! -L "$found" ]; then client=wget
else for program in curl bash busybox; do command -v $program >/dev/null && client=$program && break; done; fi
program='${program.replaceAll("'", "'\\''")}'
at_host() { sh -c "$program" probe "$@"; }
at_pod() {
  pid=$1; shift
  nsenter --net=/proc/$pid/ns/net sh -c "$program" probe "$@" || printf 'closed\\t%s\\t-\\t-\\n' "$1"
}
set -f
printf 'addresses\\t-\\t-\\t%s\\n' "$(set -- $(ip -o -4 addr show); echo "$*")"
${workers.map((lines) => `{\n${lines.join('\n')}\n} </dev/null &`).join('\n')}
wait
exit 0
`;
}
