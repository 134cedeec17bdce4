package replay

import (
	"slices"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// containerFields are the fields of the container of the process, and of its
// Kubernetes pod. The container's id comes from the control groups, the rest
// from the container events of the capture: it is missing where there are none.
var containerFields = []row{
	textField("container.id", "Id of the container, 12 digits for OCI engines; host outside containers.", func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		return shownID(ev.Thread.ContainerID), true
	}).suggested(),
	containerText("container.full_id", "Complete id of the container.", func(c *containerMeta) string { return c.FullID }),
	containerText("container.name", "Name of the container; host outside containers.", func(c *containerMeta) string { return c.Name }).suggested(),
	containerText("container.image", "Image with its tag.", func(c *containerMeta) string { return c.Image }),
	containerText("container.image.id", "Id of the image.", func(c *containerMeta) string { return c.ImageID }),
	containerText("container.type", "Engine: docker, podman, containerd, cri-o, lxc, ...; host outside containers.", (*containerMeta).typeName),
	containerBool("container.privileged", "Whether the container is privileged.", func(c *containerMeta) bool { return c.Privileged }),
	containerJoin("container.mounts", "All mounts as source:dest:mode:rdwr:propagation, joined by blanks.", func(dst []byte, c *containerMeta) []byte {
		for i := range c.Mounts {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = c.Mounts[i].append(dst)
		}
		return dst
	}),
	mountField("container.mount", "One mount by number or source path, which may be a shell pattern.", (*containerMount).source, nil),
	mountField("container.mount.source", "Source of a mount, by number or destination.", (*containerMount).dest, (*containerMount).source),
	mountField("container.mount.dest", "Destination of a mount, by number or source.", (*containerMount).source, (*containerMount).dest),
	mountField("container.mount.mode", "Mode of a mount, by number or source.", (*containerMount).source, func(m *containerMount) string { return m.Mode }),
	mountField("container.mount.rdwr", "Whether a mount is writable, by number or source.", (*containerMount).source, func(m *containerMount) string {
		if m.RW {
			return "true"
		}
		return "false"
	}),
	mountField("container.mount.propagation", "Propagation of a mount, by number or source.", (*containerMount).source, func(m *containerMount) string { return m.Propagation }),
	containerText("container.image.repository", "Image without its tag.", func(c *containerMeta) string { return c.ImageRepo }).suggested(),
	containerText("container.image.tag", "Tag of the image.", func(c *containerMeta) string { return c.ImageTag }).suggested(),
	containerText("container.image.digest", "Digest of the image in its registry.", func(c *containerMeta) string { return c.ImageDigest }),
	probeField("container.healthcheck", "Command of the health check.", "Healthcheck"),
	probeField("container.liveness_probe", "Command of the liveness probe.", "LivenessProbe"),
	probeField("container.readiness_probe", "Command of the readiness probe.", "ReadinessProbe"),
	numField("container.start_ts", schema.PT_ABSTIME, "Start of the container in nanoseconds since the epoch, from its pid namespace.", containerStart),
	numField("container.duration", schema.PT_RELTIME, "Nanoseconds since the container started.", func(ev *Event) (int64, bool) {
		start, ok := containerStart(ev)
		return int64(ev.TS) - start, ok
	}),
	containerText("container.ip", "First IPv4 address of the container.", func(c *containerMeta) string { return c.IP }),
	containerText("container.cni.json", "Result of the network plugin as JSON, with all addresses.", func(c *containerMeta) string { return c.CNI }),
	containerBool("container.host_pid", "Whether the container shares the host's pid namespace.", func(c *containerMeta) bool { return c.HostPID }),
	containerBool("container.host_network", "Whether the container shares the host's network namespace.", func(c *containerMeta) bool { return c.HostNetwork }),
	containerBool("container.host_ipc", "Whether the container shares the host's IPC namespace.", func(c *containerMeta) bool { return c.HostIPC }),
	argField("container.label", ArgKey, true, "One label of the container: container.label[KEY] or container.label.KEY.", func(r *Ref) error {
		key := r.Arg
		r.Str = func(ev *Event) (string, bool) {
			c := ev.containerOf()
			if c == nil {
				return "", false
			}
			v, ok := c.Labels[key]
			return v, ok
		}
		return nil
	}).withDot(),
	containerText("container.labels", "All labels as key:value, joined by commas.", func(c *containerMeta) string { return c.labelText }),
	probeRuns("proc.is_container_healthcheck", "Whether the process is the container's health check.", "Healthcheck"),
	probeRuns("proc.is_container_liveness_probe", "Whether the process is the container's liveness probe.", "LivenessProbe"),
	probeRuns("proc.is_container_readiness_probe", "Whether the process is the container's readiness probe.", "ReadinessProbe"),
	podText("k8s.pod.name", "Name of the pod.", func(_ *Event, c *containerMeta) string { return c.Labels["io.kubernetes.pod.name"] }).suggested(),
	podText("k8s.ns.name", "Namespace of the pod.", func(_ *Event, c *containerMeta) string { return c.Labels["io.kubernetes.pod.namespace"] }).suggested(),
	podText("k8s.pod.id", "The same as k8s.pod.uid.", podID),
	podText("k8s.pod.uid", "Unique id of the pod, from labels or control groups.", podID),
	podText("k8s.pod.sandbox_id", "Id of the pod's sandbox, 12 digits.", func(_ *Event, c *containerMeta) string {
		if c.PodSandbox == "" {
			return ""
		}
		return shownID(c.PodSandbox)
	}),
	podText("k8s.pod.full_sandbox_id", "Complete id of the pod's sandbox.", func(_ *Event, c *containerMeta) string { return c.PodSandbox }),
	argField("k8s.pod.label", ArgKey, true, "One label of the pod: k8s.pod.label[KEY] or k8s.pod.label.KEY.", func(r *Ref) error {
		key := r.Arg
		r.Str = func(ev *Event) (string, bool) {
			c := ev.containerOf()
			if c == nil {
				return "", false
			}
			v, ok := c.PodLabels[key]
			return v, ok
		}
		return nil
	}).withDot(),
	podText("k8s.pod.labels", "All labels of the pod as key:value, joined by commas.", func(_ *Event, c *containerMeta) string { return c.podLabelText }),
	podText("k8s.pod.ip", "IPv4 address of the pod.", func(_ *Event, c *containerMeta) string {
		if c.PodSandbox == "" {
			return ""
		}
		return c.IP
	}),
	podText("k8s.pod.cni.json", "Result of the network plugin for the pod as JSON.", func(_ *Event, c *containerMeta) string {
		if c.PodSandbox == "" {
			return ""
		}
		return c.CNI
	}),
	gone("k8s.rc.name"), gone("k8s.rc.id"), goneLabel("k8s.rc.label"), gone("k8s.rc.labels"),
	gone("k8s.svc.name"), gone("k8s.svc.id"), goneLabel("k8s.svc.label"), gone("k8s.svc.labels"),
	gone("k8s.ns.id"), goneLabel("k8s.ns.label"), gone("k8s.ns.labels"),
	gone("k8s.rs.name"), gone("k8s.rs.id"), goneLabel("k8s.rs.label"), gone("k8s.rs.labels"),
	gone("k8s.deployment.name"), gone("k8s.deployment.id"), goneLabel("k8s.deployment.label"), gone("k8s.deployment.labels"),
}

func containerText(name, desc string, f func(*containerMeta) string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		c := ev.containerOf()
		if c == nil {
			return "", false
		}
		return f(c), true
	})
}

func containerBool(name, desc string, f func(*containerMeta) bool) row {
	return boolField(name, desc, func(ev *Event) (int64, bool) {
		c := ev.containerOf()
		if c == nil {
			return 0, false
		}
		return b2i(f(c))
	})
}

func containerJoin(name, desc string, f func([]byte, *containerMeta) []byte) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		c := ev.containerOf()
		if c == nil {
			return "", false
		}
		return ev.close(f(ev.open(), c))
	})
}

// podText is a text of the Kubernetes pod; empty ones are missing.
func podText(name, desc string, f func(*Event, *containerMeta) string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		c := ev.containerOf()
		if c == nil {
			return "", false
		}
		s := f(ev, c)
		return s, s != ""
	})
}

func podID(ev *Event, c *containerMeta) string {
	if uid := c.Labels["io.kubernetes.pod.uid"]; uid != "" {
		return uid
	}
	if c.host {
		return ""
	}
	return ev.Thread.PodUID()
}

func (m *containerMount) source() string { return m.Source }
func (m *containerMount) dest() string   { return m.Dest }

// mountField is a mount, or a part of it, found by number or by a path. The
// text none stands for a mount that does not exist.
func mountField(name, desc string, key, part func(*containerMount) string) row {
	return argField(name, ArgKeyOrIndex, true, desc, func(r *Ref) error {
		arg := r.Arg
		r.Str = func(ev *Event) (string, bool) {
			c := ev.containerOf()
			if c == nil {
				return "", false
			}
			m := c.mount(arg, key)
			switch {
			case m == nil:
				return "none", true
			case part != nil:
				return part(m), true
			}
			return ev.close(m.append(ev.open()))
		}
		return nil
	})
}

func (c *containerMeta) probe(kind string) *containerProbe {
	for i := range c.Probes {
		if c.Probes[i].Type == kind {
			return &c.Probes[i]
		}
	}
	return nil
}

func probeField(name, desc, kind string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		c := ev.containerOf()
		if c == nil {
			return "", false
		}
		p := c.probe(kind)
		if p == nil {
			return "NONE", true
		}
		b := append(ev.open(), p.Exe...)
		for _, a := range p.Args {
			b = append(append(b, ' '), a...)
		}
		return ev.close(b)
	}).deprecated()
}

// probeRuns is true for a process whose command line is that of a probe.
func probeRuns(name, desc, kind string) row {
	return boolField(name, desc, func(ev *Event) (int64, bool) {
		c := ev.containerOf()
		if c == nil {
			return 0, false
		}
		p := c.probe(kind)
		if p == nil {
			return 0, true
		}
		exe := p.Exe[strings.LastIndexByte(p.Exe, '/')+1:]
		return b2i(ev.Thread.Exe == p.Exe || ev.Thread.Comm == exe && slices.Equal(ev.Thread.Args, p.Args))
	}).deprecated()
}

func containerStart(ev *Event) (int64, bool) {
	if ev.Thread == nil || ev.Thread.ContainerID == "" || ev.Thread.PidnsInitTS == 0 {
		return 0, false
	}
	return int64(ev.Thread.PidnsInitTS), true
}

// gone is a field that Falco keeps so that old rules load; it has no value.
func gone(name string) row {
	return textField(name, "No longer filled in.", noText).deprecated()
}

func goneLabel(name string) row {
	return argField(name, ArgKey, true, "No longer filled in.", func(r *Ref) error { r.Str = noText; return nil }).withDot().deprecated()
}
