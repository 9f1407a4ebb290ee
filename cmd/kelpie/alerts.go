package main

import "github.com/spf13/cobra"

func newAlerts() *cobra.Command {
	return group(&cobra.Command{
		Use:   "alerts",
		Short: "List what the rules have found, show one alert, and say what becomes of it",
		Long:  "Lists alerts and shows single ones, as they are in the state.\n\n" + dataHelp,
		Example: `  kelpie alerts list --state firing
  kelpie alerts show 3f2a9c04 --events
  kelpie alerts verify --all
  kelpie alerts ack 3f2a9c04`,
	}, newAlertsList(), newAlertsShow(), newAlertsVerify(), newAlertsAck(), newAlertsLabel(), newAlertsResolve(), newAlertsRedeliver())
}
