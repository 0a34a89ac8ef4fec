/**
 * The closed list of reasons, with Kubernetes' word for a reason that Kubernetes has too.
 * docs/reasons.md shows the meanings.
 */
export const reasonMeanings = {
  Unschedulable: 'The scheduler finds no node for the pod.',
  ErrImagePull: 'The kubelet could not pull the image.',
  ImagePullBackOff: 'The kubelet could not pull the image, and waits before it tries again.',
  InvalidImageName: 'The container runtime does not accept the name of the image.',
  CreateContainerConfigError: 'The cluster refuses the pod, or the kubelet can not create a container of it.',
  FailedMount: 'A volume of the pod can not be attached or mounted.',
  QuotaExceeded: "The namespace's quota leaves no room for the pod.",
  OOMKilled: 'The worker used up its memory limit.',
  Evicted: 'The kubelet or an administrator evicted the pod.',
  Error: 'The worker exited with a code other than 0, or could not be started.',
  StoreUnavailable: 'The store does not answer, or refuses the credentials; Jobferry keeps trying.',
  InputUnavailable:
    'A source of `inputs` could not be read: it refused the request, has no such file, or did not give it whole within `input_timeout_seconds`. Or the result with which a restart begins could not.',
  InputInvalid:
    'An input has another SHA-256 than the request says, is not a safe archive of its kind, or has an address that Jobferry may not call. Or the result with which a restart begins is damaged.',
  WaitingForJobs: 'The job waits for the end of the jobs that its `depends_on` names.',
  DependencyFailed:
    'A job of `depends_on` did not end as it was to: it failed, was canceled, deleted or has expired.',
  StartTimeout: 'The worker did not start within `start_timeout_seconds`.',
  TimeoutExceeded: 'The worker ran longer than `timeout_seconds`.',
  HeldAfterFailure:
    'The worker has failed, and its container is kept for `hold_after_failure_seconds`, so that a person can look into it.',
  HeartbeatMissed: 'For `heartbeat_seconds` a running program wrote none of the files in JOBFERRY_DIRECTORY.',
  UploadTimeout: 'The upload took longer than `upload_timeout_seconds`.',
  UploadInterrupted: 'The uploader ended before all files were stored.',
  Interrupted:
    "The worker did not end by itself: the cluster ended it or failed to start it. With the embedded default: the job's supervisor or the machine ended.",
  PodDeleted: 'The pod was deleted in the cluster.',
  JobDeleted: 'The Kubernetes Job was deleted in the cluster.',
  NodeLost: 'The node of the pod went silent and did not come back.',
  StorageFull:
    "No room is left: on the node's disk, the result volume or the store's disk, in the bucket's quota, or within RESULT_MAX_BYTES or RESULT_MAX_ENTRIES.",
  FilesLeftOut:
    'The worker succeeded, but some of its files could not be read or stored: the result is `partial`.',
  OutputMissing:
    'The worker succeeded, but nothing in its result matches a pattern of `outputs.required`: the result is `partial`.',
  TooManyDisruptions: 'Disruptions ended four attempts; Jobferry starts no other.',
  Suspended: 'The Kubernetes Job was suspended in the cluster.',
  Canceled: 'A caller canceled the job.',
}

/** What a caller, or the operator, does about each reason; a column of docs/reasons.md. */
export const reasonAdvice: Readonly<Record<keyof typeof reasonMeanings, string>> = {
  Unschedulable:
    "Ask for less `cpu`, `memory`, `gpu`, `extended_resources` or `ephemeral_storage`, or correct `node_selector`, `affinity` and `tolerations`; else wait for a free node. `message` has the scheduler's count of nodes.",
  ErrImagePull:
    "Correct `image`, or name a Secret with the registry's credentials in `image_pull_secret`. If the registry was away, wait: the pull is repeated.",
  ImagePullBackOff: 'As for `ErrImagePull`.',
  InvalidImageName: 'Correct `image` and deploy again.',
  CreateContainerConfigError:
    'Correct the field that `message` is about (`run_as_user`, `service_account`, `priority_class`, `runtime_class`, `env_from`, `result_directory`, …), or have the operator change the rule that it names.',
  FailedMount:
    'Check the claims of `volumes`, or `result_storage_class`: the claim must exist, be bound, and be free for the node of the pod.',
  QuotaExceeded: 'Wait until other jobs have ended, ask for less, or have the operator raise the quota.',
  OOMKilled: 'Ask for more `memory` and deploy again.',
  Evicted:
    'Nothing, if a further attempt follows. Else deploy again; a `memory` that the worker keeps within makes evictions rarer.',
  Error:
    "Read `message` and the job's log. `exit_code` 127 says that the program does not exist, 126 that it can't be run. `retries` allows further attempts.",
  StoreUnavailable:
    'The operator brings the store back, or corrects its address and keys. The job then goes on by itself, until `start_timeout_seconds` or `upload_timeout_seconds` are over.',
  InputUnavailable:
    'Correct the `from` that `message` names, or have its server give the file without a login; then deploy again. For a slow server raise `input_timeout_seconds`.',
  InputInvalid:
    'Correct `sha256`, `unpack` or `from` and deploy again. If `message` names a setting, the operator can change it.',
  WaitingForJobs: 'Wait. `message` names the jobs; cancel this one if you do not need it any more.',
  DependencyFailed:
    'Read in `message` which job it was and what happened to it. Correct that job, deploy it again, and then this one with its new id.',
  StartTimeout:
    'Deploy again with a longer `start_timeout_seconds`: a large image, large inputs or a queue of jobs takes time.',
  TimeoutExceeded:
    'Raise `timeout_seconds`, or divide the work, and deploy again. The files written until then are the `partial` result.',
  HeldAfterFailure:
    'Look into the container with the command in `message`. The job goes on to its end after the hold, or once you end it.',
  HeartbeatMissed:
    'Read in `message` which program was silent, and its log. If it hung, correct it; if it had nothing to say, have it `touch` a file there more often, or raise `heartbeat_seconds`. The files written until then are the `partial` result.',
  UploadTimeout:
    'Read in `message` how far the upload came and what hindered it; raise `upload_timeout_seconds` and deploy again. The files stored until then are the `partial` result.',
  UploadInterrupted:
    'While the job is `storing`, wait: a rescue stores the rest. After its end use the `partial` result, or deploy again; on a cluster `result_storage_class` makes a rescue possible.',
  Interrupted: 'Nothing, if a further attempt follows. Else deploy again.',
  PodDeleted: 'Deploy again. With `retries` a further attempt follows by itself.',
  JobDeleted: 'Deploy again. To end a job and keep its files use `POST /job/:id/cancel` instead of kubectl.',
  NodeLost: 'Nothing, if a further attempt follows. Else deploy again.',
  StorageFull:
    'Read in `message` what is full. Ask for more `result_storage`, leave less, or have the operator make room or raise the limit.',
  FilesLeftOut:
    "Read the `error` of these files in the result's list. If you need them, correct its cause (such as a file that is still written to) and deploy again.",
  OutputMissing:
    'Read in `message` which patterns match nothing. Correct the program, or `outputs`, and deploy again.',
  TooManyDisruptions:
    'Read in `message` the end of each attempt. Have the operator look at the nodes; then deploy again.',
  Suspended: 'Set `spec.suspend` of the Kubernetes Job to false, or cancel the job.',
  Canceled: 'Nothing. To run the job after all, deploy it again.',
}

/** True for one of these reasons, whatever a program has written. */
export function isReason(value: unknown): value is keyof typeof reasonMeanings {
  return typeof value === 'string' && Object.hasOwn(reasonMeanings, value)
}
