/**
 * True for the name of an object of a job's own: Secret, ConfigMap and pods have the Job's name, and
 * Kubernetes names the claim of a pod's results after the pod.
 */
export function isOfJob(name: string): boolean {
  return /^job-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-|$)/.test(name)
}
