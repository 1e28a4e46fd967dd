package main

import (
	"time"

	"goqmail/lib/queue"
)

// takeRetries takes what qmail-q asks for, which it pulls the trigger for, too.
// It runs in the goroutine that waits for the trigger.
func (m *manager) takeRetries() {
	if nums := queue.TakeRetries(string(queue.Retry)); len(nums) > 0 {
		m.do <- func() { m.retry(nums) }
	}
}

// retry makes some messages due now. One that is being delivered is so as soon
// as that has ended.
func (m *manager) retry(nums []queue.Num) {
	these, now := make(map[queue.Num]bool, len(nums)), time.Now().Unix()
	for _, n := range nums {
		these[n] = true
	}
	for _, ch := range m.channels {
		ch.fresh.hurryThese(these, now)
		ch.again.hurryThese(these, now)
		for i := range ch.deliveries {
			if j := ch.deliveries[i].job; j != nil && these[j.num] {
				j.retry = now
			}
		}
		if ch.pass != nil && these[ch.pass.job.num] {
			ch.pass.job.retry = now
		}
	}
	m.failed.hurryThese(these, now)
	m.done.hurryThese(these, now)
}
