import { describe, expect, it } from 'vitest'
import {
  type Culprit,
  culpritOfRefusal,
  culpritOfStartError,
  exitCodeOfStartError,
  refusals,
  startErrors,
} from '../../../../src/backends/kubernetes/observation/start-failure-culprit.ts'

const runc =
  'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: '

/** Texts as runtimes wrote them. */
const texts: readonly [Culprit, string][] = [
  ['request', `${runc}exec: "pyhton": executable file not found in $PATH: unknown`],
  [
    'request',
    `${runc}error during container init: exec: "/app/run": stat /app/run: no such file or directory`,
  ],
  ['request', `${runc}exec: "/app/run.sh": permission denied: unknown`],
  ['request', `${runc}exec: "/etc": is a directory: unknown`],
  ['request', 'exec: \\"/registry\\": executable file not found in $PATH\\": unknown'],
  [
    'request',
    'container create failed: executable file `pyhton` not found in $PATH: No such file or directory',
  ],
  ['request', 'container create failed: open executable: Permission denied'],
  ['request', `${runc}chdir to cwd ("/nowhere") set in config.json failed: permission denied: unknown`],
  ['request', 'mkdir cwd: mkdir /etc/passwd/x: not a directory'],
  ['request', 'unable to find user nobody1: no matching entries in passwd file'],
  [
    'request',
    `${runc}error mounting "/var/lib/kubelet/pods/1/volumes/x" to rootfs at "/etc/passwd": not a directory`,
  ],
  ['request', `${runc}container init was OOM-killed (memory limit too low?): unknown`],
  [
    'machine',
    'failed to create containerd task: failed to start shim: start failed: : signal: killed: unknown',
  ],
  [
    'machine',
    'failed to start shim: start failed: fork/exec /usr/bin/containerd-shim-runc-v2: no such file or directory',
  ],
  [
    'machine',
    'OCI runtime create failed: runc did not terminate successfully: exit status 2: fatal error: newosproc',
  ],
  [
    'machine',
    'OCI runtime create failed: unable to retrieve OCI runtime error (open log.json: no such file or directory): exec: "runc": executable file not found in $PATH: unknown',
  ],
  [
    'machine',
    'OCI runtime create failed: exec: "nvidia-container-runtime-hook": executable file not found in $PATH: unknown',
  ],
  [
    'machine',
    `${runc}error during container init: error running createRuntime hook #0: exit status 1, stderr: failed to locate iptables: exec: "iptables": executable file not found in $PATH`,
  ],
  ['machine', 'failed to start containerd task "worker": ttrpc: closed: unknown'],
  ['machine', 'failed to create containerd task: failed to create shim task: context canceled: unknown'],
  ['machine', 'failed to create containerd task: context deadline exceeded: unknown'],
  ['machine', 'rpc error: code = Unavailable desc = transport is closing'],
  ['machine', `${runc}error during container init: read init-p: connection reset by peer: unknown`],
  ['machine', `${runc}can't get final child's PID from pipe: EOF: unknown`],
  ['machine', 'fork/exec /proc/self/exe: resource temporarily unavailable'],
  ['machine', `${runc}fork/exec /proc/self/fd/6: cannot allocate memory: unknown`],
  ['machine', 'mkdir /sys/fs/cgroup/memory/kubepods/1: no space left on device'],
  ['machine', 'write /tmp/runc-process3947626735: no space left on device: unknown'],
  [
    'machine',
    `${runc}unable to apply cgroup configuration: unable to start unit "cri-1.scope": Message recipient disconnected`,
  ],
  [
    'machine',
    'failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error (open log.json: no such file or directory): runc: signal: killed: unknown',
  ],
  [
    'machine',
    'OCI runtime create failed: unable to retrieve OCI runtime error (open log.json: no such file or directory): runc did not terminate successfully: exit status 137: unknown',
  ],
  // No line knows it.
  ['machine', 'failed to do something new'],
  ['machine', ''],
]

/** Reasons and messages of `status`, as kubelets of 1.20 to 1.34 write them: the files of refusals. */
const refused: readonly [Culprit, reason: string, message: string][] = [
  [
    'machine',
    'OutOfcpu',
    "Pod was rejected: Node didn't have enough resource: cpu, requested: 1000, used: 3800, capacity: 4000",
  ],
  [
    'machine',
    'OutOfmemory',
    "Node didn't have enough resource: memory, requested: 1073741824, used: 0, capacity: 1024",
  ],
  ['machine', 'OutOfpods', "Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110"],
  [
    'machine',
    'OutOfephemeral-storage',
    "Node didn't have enough resource: ephemeral-storage, requested: 2, used: 1, capacity: 2",
  ],
  [
    'machine',
    'OutOfnvidia.com/gpu',
    "Node didn't have enough resource: nvidia.com/gpu, requested: 1, used: 0, capacity: 0",
  ],
  [
    'machine',
    'UnexpectedAdmissionError',
    'Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected',
  ],
  [
    'machine',
    'UnexpectedAdmissionError',
    'Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 100), ]',
  ],
  ['machine', 'UnknownReason', 'GeneralPredicates failed due to unknown reason, which is unexpected.'],
  ['machine', 'UnexpectedPredicateFailureType', 'GeneralPredicates failed due to x, which is unexpected.'],
  ['machine', 'InvalidNodeInfo', 'Kubelet cannot get node info.'],
  [
    'machine',
    'NodeAffinity',
    "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  ],
  ['machine', 'NodeName', "Predicate NodeName failed: node(s) didn't match the requested node name"],
  [
    'machine',
    'NodePorts',
    "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  ],
  ['machine', 'NodeUnschedulable', 'Predicate NodeUnschedulable failed: node(s) were unschedulable'],
  [
    'machine',
    'TaintToleration',
    "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
  ],
  ['machine', 'TopologyAffinityError', 'Resources cannot be allocated with Topology locality'],
  ['machine', 'NodeShutdown', 'Pod was rejected: Pod was rejected as the node is shutting down.'],
  ['machine', 'Terminated', 'Pod was terminated in response to imminent node shutdown.'],
  ['machine', 'Shutdown', 'Node is in progress of shutting down, not admitting any new pods'],
  ['machine', 'Preempting', 'Preempted in order to admit critical pod'],
  ['request', 'SysctlForbidden', 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted'],
  ['request', 'AppArmor', 'Cannot enforce AppArmor: profile "x" is not loaded'],
  ['request', 'PodOSNotSupported', "Failed to admit pod as the OS field doesn't match node OS"],
  [
    'request',
    'PodOSSelectorNodeLabelDoesNotMatch',
    "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
  ],
  [
    'request',
    'SupplementalGroupsPolicyNotSupported',
    'SupplementalGroupsPolicy=Strict is not supported in this node',
  ],
  // Set by the Job controller.
  ['request', 'DeadlineExceeded', 'Pod was active on the node longer than the specified deadline'],
  ['request', 'SomethingNew', ''],
]

describe('the culprit of a start error', () => {
  it.each(texts)('is the %s: %s', (culprit, text) => {
    expect(culpritOfStartError(text)).toBe(culprit)
  })

  it('is the machine for a worker whose command and directory hold words of other lines', () => {
    expect(culpritOfStartError(`${runc}exec: "cgroup-tool": executable file not found in $PATH`)).toBe(
      'request',
    )
  })
})

describe('a program that cannot be run', () => {
  const absent = (program: string) => `${runc}exec: "${program}": executable file not found in $PATH: unknown`

  it.each([
    ['pyhton', 'pyhton', 'request', 127],
    ['nvidia-container-cli', 'nvidia-container-cli', 'request', 127],
    ['nvidia-smi', undefined, 'request', 127],
    ['some-vendors-hook', 'python3', 'machine', undefined],
    ['nvidia-container-runtime-hook', 'python3', 'machine', undefined],
    ['nvidia-container-runtime-hook', undefined, 'machine', undefined],
    ['say \\"hello\\"', 'say "hello"', 'request', 127],
  ])('%j of a request for %j is the fault of the %s', (program, command, culprit, exitCode) => {
    expect(culpritOfStartError(absent(program), command)).toBe(culprit)
    expect(exitCodeOfStartError(absent(program), command)).toBe(exitCode)
  })

  it('is named by crun in its own words', () => {
    const text = 'executable file `hook` not found in $PATH: No such file or directory'
    expect(culpritOfStartError(text, 'hook')).toBe('request')
    expect(culpritOfStartError(text, 'python3')).toBe('machine')
  })
})

describe('the culprit of a refused pod', () => {
  it.each(refused)('is the %s: %s: %s', (culprit, reason) => {
    expect(culpritOfRefusal(reason)).toBe(culprit)
  })
})

it('has a source and a meaning in each line, and each line decides a text or a reason', () => {
  for (const { source, meaning } of [...startErrors, ...refusals]) {
    expect(source).toMatch(/\w/)
    expect(meaning).toMatch(/\w/)
  }
  const ruleOf = (rules: typeof startErrors, text: string) => rules.find(({ pattern }) => pattern.test(text))
  const used = [
    ...texts.map(([, text]) => ruleOf(startErrors, text)),
    ...refused.map(([, reason]) => ruleOf(refusals, reason)),
  ]
  const unused = [...startErrors, ...refusals].filter((one) => !used.includes(one))
  expect(unused.map(({ meaning }) => meaning)).toEqual([])
})

it('knows every reason that a line of the refusals names', () => {
  const named = refusals.flatMap(({ pattern }) => pattern.source.match(/[A-Za-z]{5,}/g) ?? [])
  const reasons = refused.map(([, reason]) => reason)
  expect(named.filter((name) => !reasons.some((reason) => reason.startsWith(name)))).toEqual([])
})
