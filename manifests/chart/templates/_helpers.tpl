{{- define "jobferry.labels" -}}
app.kubernetes.io/name: jobferry
app.kubernetes.io/component: api
{{- end }}

{{/* The settings of the ConfigMap, as YAML; values.settings replace the chart's own. */}}
{{- define "jobferry.settings" -}}
{{- $own := dict
  "HOST" "0.0.0.0"
  "PORT" "8888"
  "PROBE_PORT" "8889"
  "POD_SECURITY" .Values.podSecurity
  "S3_BUCKET" .Values.store.bucket
  "S3_ENDPOINT" (required "store.endpoint is missing: the address of the store, such as https://s3.example.org" .Values.store.endpoint)
-}}
{{- with .Values.publicUrl }}{{ $_ := set $own "PUBLIC_URL" . }}{{ end -}}
{{- if .Values.allowUnauthenticated }}{{ $_ := set $own "ALLOW_UNAUTHENTICATED" "true" }}{{ end -}}
{{- range $name, $value := .Values.settings -}}
{{- if has $name (list "NAMESPACE" "POD_UID" "UPLOADER_IMAGE" "POLICY_FILE" "JOBS_DIRECTORY") }}{{ fail (printf "settings.%s: the chart sets it itself; expected image, policy or jobs" $name) }}{{ end -}}
{{- /* Helm reads a whole number as a float, which has an exponent as text. */ -}}
{{- $_ := set $own $name (ternary (toString (int64 $value)) (toString $value) (kindIs "float64" $value)) -}}
{{- end -}}
{{- toYaml $own -}}
{{- end }}

{{- define "jobferry.secret" -}}
{{- $own := dict -}}
{{- with .Values.tokens }}{{ $_ := set $own "API_TOKENS" . }}{{ end -}}
{{- with .Values.store.accessKey }}{{ $_ := set $own "S3_ACCESS_KEY" . }}{{ end -}}
{{- with .Values.store.secretKey }}{{ $_ := set $own "S3_SECRET_KEY" . }}{{ end -}}
{{- with .Values.store.uploaderAccessKey }}{{ $_ := set $own "S3_UPLOADER_ACCESS_KEY" . }}{{ end -}}
{{- with .Values.store.uploaderSecretKey }}{{ $_ := set $own "S3_UPLOADER_SECRET_KEY" . }}{{ end -}}
{{- toYaml (merge (deepCopy .Values.secrets) $own) -}}
{{- end }}

{{- define "jobferry.policy" -}}
{{- if .Values.policy }}{{ toYaml .Values.policy }}{{ else }}{{ .Files.Get "policy.yaml" }}{{ end -}}
{{- end }}
