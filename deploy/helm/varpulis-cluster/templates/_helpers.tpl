{{- define "varpulis.labels" -}}
app.kubernetes.io/name: varpulis
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "varpulis.selector" -}}
app.kubernetes.io/name: varpulis
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "varpulis.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "varpulis.scheme" -}}
{{ if .Values.tls.secretName }}https{{ else }}http{{ end }}
{{- end }}

{{- define "varpulis.hasDatabase" -}}
{{- if or .Values.postgresql.enabled .Values.externalDatabase.url .Values.externalDatabase.existingSecret }}yes{{ end }}
{{- end }}

{{- define "varpulis.hasRedis" -}}
{{- if or .Values.redis.enabled .Values.externalRedis.url }}yes{{ end }}
{{- end }}

{{/* A secret value: the one given, else the one kept, else a new one. */}}
{{- define "varpulis.kept" -}}
{{- $secret := lookup "v1" "Secret" .root.Release.Namespace (printf "%s-keys" .root.Release.Name) -}}
{{- $kept := index (($secret).data | default dict) .name -}}
{{- if .given }}{{ .given | b64enc }}{{ else if $kept }}{{ $kept }}{{ else }}{{ randAlphaNum 40 | b64enc }}{{ end }}
{{- end }}

{{- define "varpulis.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "varpulis.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "varpulis.fromSecret" -}}
valueFrom:
  secretKeyRef:
    name: {{ .root.Release.Name }}-keys
    key: {{ .key }}
{{- end }}

{{- define "varpulis.tlsEnvironment" -}}
{{- if .Values.tls.secretName }}
- name: VARPULIS_TLS_CERT
  value: /etc/varpulis/tls/tls.crt
- name: VARPULIS_TLS_KEY
  value: /etc/varpulis/tls/tls.key
- name: VARPULIS_TLS_CA_CERT
  value: /etc/varpulis/tls/ca.crt
{{- end }}
{{- end }}

{{- define "varpulis.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
